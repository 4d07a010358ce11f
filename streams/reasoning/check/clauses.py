"""Clauses that tell of something else than the facts, in words that claims do need: "and found what caused what".

A clause with a verb that comes after the first one has to have a slot, or speak of a score, of a change, of something
that a theme knows (`entailment` then asks for its fact), or share a word with the facts that it rests on, other than
those of things that all facts are about.
"""

import re
from collections.abc import Sequence
from typing import Final

from streams.reasoning.check.entailment import speaks_of_a_theme
from streams.reasoning.check.lexicon import load, pattern_of
from streams.reasoning.check.wording import roots_of
from streams.reasoning.request.slots import SLOT

_TABLES: Final = load()["clauses"]
_VERBS: Final = re.compile(rf"\b(?:\w{{2,}}ed|{'|'.join(_TABLES['verbs'].split())})\b", re.IGNORECASE)
_FOUNDED: Final = [pattern_of(_TABLES[name]) for name in ("of_scores", "unless")]
_COMMON: Final = roots_of(_TABLES["common"])
_SLOT: Final = "_"
_BETWEEN: Final = re.compile(rf"[.,;:!?–—()]|\b(?:{'|'.join(_TABLES['between'].split())})\b", re.IGNORECASE)


def unfounded_clause_in(text: str, facts: Sequence[str]) -> str | None:
    """The first clause of `text` that says what `facts`, their words, do not; None where there is none."""
    known = roots_of(" ".join(facts)) - _COMMON
    for clause in _BETWEEN.split(SLOT.sub(_SLOT, text))[1:]:
        if _SLOT in clause or not _VERBS.search(clause) or any(words.search(clause) for words in _FOUNDED):
            continue
        if not speaks_of_a_theme(clause) and known.isdisjoint(roots_of(clause)):
            return " ".join(clause.split())
    return None

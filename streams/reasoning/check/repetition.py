"""Whether a claim says the same thing over and over, or what another one has said."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from streams.reasoning.request.slots import slots_in

RUN: Final = 4
ALIKE: Final = 0.8
_PASSIVE: Final = {"was", "were"}
_WORD: Final = re.compile(r"[^\W_]+(?:[.'’][^\W_]+)*")
_CLAUSE: Final = re.compile(r"[.,;:!?](?!\w)")
_SENTENCE: Final = re.compile(r"[.!?](?!\w)")


def repeats_itself(text: str, whole: str, facts: Sequence[str]) -> bool:
    """Whether a slot of `text`, which has them still, RUN words of a sentence or a clause come again, or a word follows
    itself in `whole`, which has its numbers. Two of the `facts` may have words in common, and so may what is said of
    them.
    """
    if _repeated(slots_in(text)):
        return True
    runs = _repeated([run for sentence in _SENTENCE.split(text) for run in _runs(_words(sentence))])
    clauses = _repeated([" ".join(clause) for part in _CLAUSE.split(text) if len(clause := _words(part)) > 1])
    in_common = [set(_words(fact)) | _PASSIVE for fact in facts]
    if any(sum(fact.issuperset(each.split()) for fact in in_common) < 2 for each in (*runs, *clauses)):
        return True
    return any(one == following and not one[0].isdigit() for one, following in pairwise(_words(whole)))


def _runs(words: Sequence[str]) -> list[str]:
    return [" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1)]


def _repeated(phrases: Sequence[str]) -> set[str]:
    return {phrase for at, phrase in enumerate(phrases) if phrase in phrases[:at]}


def likeness(one: str, other: str) -> float:
    """How much of all words of two texts is in both, 0 to 1: Jaccard's index."""
    words, others = set(_words(one)), set(_words(other))
    return len(words & others) / max(len(words | others), 1)


def _words(text: str) -> Sequence[str]:
    return [word.lower() for word in _WORD.findall(text)]

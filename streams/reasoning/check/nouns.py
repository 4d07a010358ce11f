"""Things and properties that no fact is about.

The words for what learners do are few; whatever else a claim speaks of was made up. So after "a", "the", "their" one of
the next words has to be one of a list, and so has what follows "is" or "was": what was done, never what somebody is.
"""

import re
from collections.abc import Iterator
from typing import Final

from streams.reasoning.check.lexicon import Words, load, pattern_of

NEAR: Final = 3
_TABLES: Final = load()
_NOUNS: Final = frozenset(_TABLES["nouns"]["words"].split())
_ARTICLES: Final = pattern_of(_TABLES["nouns"]["after"])
_COMPLEMENTS: Final = frozenset(_TABLES["complements"]["words"].split())
_COPULAS: Final = Words(pattern_of(_TABLES["complements"]["after"]), pattern_of(_TABLES["complements"]["unless"]))
_SKIPPED: Final = pattern_of(_TABLES["complements"]["skip"])
_VERB: Final = re.compile(r"\w{2,}(?:ed|ing|en)")
_CLAUSE: Final = re.compile(r"[,.;:!?–—()]")
_WORD: Final = re.compile(r"[^\W\d_][\w'’-]*")


def strangers_in(text: str, worded: str = "") -> Iterator[str]:
    """What `text` speaks of that no fact can be about; slots taken out.

    Facts may be about what stands in `worded`, the skills file's own words for what was seen.
    """
    own = frozenset(_WORD.findall(worded.lower()))
    for article in _ARTICLES.finditer(text):
        near = _following(text, article.end())[:NEAR]
        if near and not any(_is_noun(word) or word in own for word in near):
            yield f"speaks of something that no fact has ({article.group().lower()} {near[0]})"
    for copula in _COPULAS.all_in(text):
        rest = [word for word in _following(text, copula.end()) if not _SKIPPED.fullmatch(word)]
        if rest and not (_is_complement(rest[0]) or rest[0] in own):
            yield f"says what somebody or something is ({copula.group().lower()} {rest[0]})"


def _following(text: str, at: int) -> list[str]:
    """The words after that place, to the end of the clause, in lower case."""
    return [word.lower() for word in _WORD.findall(_CLAUSE.split(text[at:])[0])]


def _is_noun(word: str) -> bool:
    bare = word.removesuffix("'s").removesuffix("’s")
    singular = (bare, bare.removesuffix("s"), bare.removesuffix("es"), bare.removesuffix("ies") + "y")
    return not _NOUNS.isdisjoint(singular)


def _is_complement(word: str) -> bool:
    return word in _COMPLEMENTS or word.endswith("ly") or _is_noun(word) or _VERB.fullmatch(word) is not None

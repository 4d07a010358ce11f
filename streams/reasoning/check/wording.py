"""Words that no claim needs.

What facts and scores can be told in is a few hundred words, all in `english.toml`. A claim with any other one says, as
often as not, what no fact says: "by bicycle", "a younger learner", "summed it up".
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from streams.reasoning.check.lexicon import load
from streams.vocabulary import RUBRIC_WORDS, Fact

_WORD: Final = re.compile(r"[^\W\d_][\w'’]*")
_ENTRY: Final = re.compile(r"[^\W\d_][\w'’]*\*?")
_ENDING: Final = re.compile(r"(?<=\w\w)(?:['’]s|s['’]|ing|ied|ies|ed|es|e|s|y|i)$")
_TWICE: Final = re.compile(r"([^\W\d_aeiouls])\1$")
_TABLES: Final = load()


def _texts(tables: dict[str, Any]) -> Iterator[str]:
    yield from chain.from_iterable(theme["words"] for theme in tables["themes"] if theme["facts"])
    yield from chain(tables["directions"]["up"], tables["directions"]["down"], tables["complements"]["skip"])
    yield from (tables["nouns"]["words"], tables["complements"]["words"], tables["wording"]["words"])
    yield from (fact.words for fact in Fact)
    yield RUBRIC_WORDS[0]


def _stem(word: str) -> str:
    """Roughly what a word has in all its forms: "tries", "tried" and "trying" are one."""
    return _TWICE.sub(r"\1", _ENDING.sub("", _ENDING.sub("", word.lower())))


def roots_of(text: str) -> frozenset[str]:
    """Of each of its words roughly what all its forms have in common."""
    return frozenset(map(_stem, _WORD.findall(text)))


def _entries(texts: Iterable[str]) -> set[str]:
    return {entry.lower() for text in texts for entry in _ENTRY.findall(text)}


ENTRIES: Final = frozenset(_entries(_texts(_TABLES)))
"""The words that claims are made of, in lower case, as they stand in the lists; some end with a *."""
_STEMS: Final = frozenset(_stem(entry) for entry in ENTRIES if not entry.endswith("*"))
_BEGINNINGS: Final = tuple(entry[:-1] for entry in ENTRIES if entry.endswith("*"))


def needless_word_in(text: str, worded: str = "") -> str | None:
    """The first word of `text` that is not among those that claims are made of; slots taken out.

    `worded`, the words of the facts that it cites and of the skill's name, may be used.
    """
    given = roots_of(worded)
    for word in _WORD.findall(text):
        stem = _stem(word)
        if not (stem in _STEMS or stem in given or word.lower().startswith(_BEGINNINGS)):
            return str(word)
    return None

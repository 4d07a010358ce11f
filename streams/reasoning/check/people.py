"""Names of people and places, in a text that may have none.

A name is told by its capital inside a sentence; by a word that begins a sentence, and is none that sentences here
begin with; or by a title. In small letters it is a word that no claim needs (`wording`).
"""

import re
from typing import Final

from streams.reasoning.check.lexicon import load, pattern_of
from streams.reasoning.check.wording import ENTRIES

_PEOPLE: Final = load()["people"]
_TITLES: Final = pattern_of(_PEOPLE["titles"])
_STARTS: Final = ENTRIES | {*_PEOPLE["sentence_starts"].split()}
_SENTENCE: Final = re.compile(r"(?:^|[.!?…]\s+)[\"“(]?(\w+)")
_CAPITAL: Final = re.compile(r"\b[A-Z][\w'’-]*")
_BEGINS: Final = re.compile(r"\w{2,}(?:ed|ing|ly)")


def name_in(text: str) -> str | None:
    """The first word of `text` that looks like a name; None where none does. Slots taken out."""
    if found := _TITLES.search(text):
        return found.group()
    starts = {found.start(1) for found in _SENTENCE.finditer(text)}
    for found in _CAPITAL.finditer(text):
        word = found.group()
        first = word.lower().partition("-")[0]
        begins = {first, first.removesuffix("s")} & _STARTS or _BEGINS.fullmatch(first)
        if not (found.start() in starts and begins):
            return word
    return None

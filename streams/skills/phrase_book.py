"""Reading what students write: one tokeniser pass, phrases looked up on the way.

    "I never give up, sorry to hear that"
          └──phrase──┘  └───phrase───┘        longest match first, no token used twice

A phrase directly after a negator ("not", "don't" …) says nothing, unless the phrase itself begins with it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from streams.vocabulary import phrase_code

MAX_TEXT_CHARS: Final = 20_000
_TOKEN: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_NEGATORS: Final = frozenset(
    "not no never cannot don't doesn't didn't isn't wasn't aren't won't can't couldn't".split()
)


def tokenise(text: str) -> list[str]:
    """Lower-case words of the first MAX_TEXT_CHARS characters, apostrophes kept inside a word."""
    return _TOKEN.findall(text[:MAX_TEXT_CHARS].lower().replace("’", "'"))


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found: what it is for, how strongly and which way it speaks; `column` is the skill's, in its set."""

    skill: str
    phrase: str
    weight: float
    column: int
    code: int


class PhraseBook:
    """All skills' lexicons as one look-up by first token, so that a text is read once."""

    def __init__(self, lexicons: Mapping[str, Mapping[str, float]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], list[Hit]]]] = {}
        entries: dict[tuple[str, ...], list[Hit]] = {}
        for column, (skill, lexicon) in enumerate(lexicons.items()):
            for phrase, weight in lexicon.items():
                hit = Hit(skill, phrase, weight, column, phrase_code(phrase))
                entries.setdefault(tuple(tokenise(phrase)), []).append(hit)
        for words in sorted(entries, key=len, reverse=True):
            self._by_first.setdefault(words[0], []).append((words, entries[words]))

    def find(self, tokens: Sequence[str]) -> Iterable[Hit]:
        """Hits in reading order; of phrases that overlap, the first and longest."""
        position = 0
        while position < len(tokens):
            candidates = self._by_first.get(tokens[position])
            words, hits = self._longest(tokens, position, candidates) if candidates else ((), ())
            if hits and not (position and tokens[position - 1] in _NEGATORS):
                yield from hits
            position += len(words) or 1

    @staticmethod
    def _longest(
        tokens: Sequence[str], position: int, candidates: list[tuple[tuple[str, ...], list[Hit]]]
    ) -> tuple[tuple[str, ...], Sequence[Hit]]:
        for words, hits in candidates:
            if tuple(tokens[position : position + len(words)]) == words:
                return words, hits
        return (), ()

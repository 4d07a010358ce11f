"""Phrases of all skills, looked up in one pass over a text's tokens.

    "I never give up, sorry to hear that"
          └──phrase──┘  └───phrase───┘        longest match first, no token used twice

Found is what the writer says of themselves or others, and nothing is guessed: a phrase that is denied says nothing (not
its opposite), one that is repeated speaks once, and a single word speaks only beside a phrase of several words of the
same skill. "The children have two parents" has words of empathy, and is about none.

A phrase is denied where a negator is among the REACH words before it or the two behind it, in its clause ("I am not
going to just give up", "to give up is never"). A negator inside a phrase is a part of what that means ("never give
up"); it denies what follows only as the phrase's last word ("I don't", "give up"). The window is that of NegEx
(Chapman et al., J. Biomed. Inform. 34, 2001), a word longer: to miss a phrase is better than to misread it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from streams.texts.words import BREAK, tokenise, words_of
from streams.vocabulary import phrase_code

REACH: Final = 6
_REACH_BACK: Final = 2
NEGATORS: Final = frozenset(
    """not no never none nobody nothing nor neither without cannot hardly barely refuse refuses refused refusing don't
    doesn't didn't isn't wasn't aren't weren't won't can't couldn't wouldn't shouldn't hasn't haven't hadn't mustn't
    needn't ain't""".split()
)
ENDS_NEGATION: Final = frozenset((BREAK, "but", "however", "although", "though", "instead"))


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found: what it is for, how strongly and which way it speaks; `column` is the skill's, in its set."""

    skill: str
    phrase: str
    weight: float
    column: int
    code: int
    one_word: bool
    """Whether it is a single word, which speaks only beside a phrase of several."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A phrase's words, and what they are hits for."""

    words: list[str]
    hits: list[Hit]


class PhraseBook:
    """All skills' lexicons as one look-up by first tokens, so that a text is read once."""

    def __init__(self, lexicons: Mapping[str, Mapping[str, float]]) -> None:
        entries: dict[tuple[str, ...], list[Hit]] = {}
        for column, (skill, lexicon) in enumerate(lexicons.items()):
            for phrase, weight in lexicon.items():
                words = tuple(words_of(tokenise(phrase)))
                hit = Hit(skill, phrase, weight, column, phrase_code(phrase), len(words) == 1)
                entries.setdefault(words, []).append(hit)
        self._by_first: dict[str, dict[str, list[_Entry]]] = {}
        for words in sorted(entries, key=len, reverse=True):
            by_second = self._by_first.setdefault(words[0], {})
            by_second.setdefault("".join(words[1:2]), []).append(_Entry([*words], entries[words]))
        self._watched = self._by_first.keys() | NEGATORS | ENDS_NEGATION

    def __bool__(self) -> bool:
        return bool(self._by_first)

    def find(self, tokens: Sequence[str]) -> list[Hit]:
        """Hits in reading order, each once; of phrases that overlap, the first and longest."""
        if self._by_first.keys().isdisjoint(tokens):
            return []
        said = self._said(tokens)
        if not said:
            return []
        hits = [hit for entry in said for hit in entry.hits]
        beside = {hit.column for hit in hits if not hit.one_word}
        return [hit for hit in hits if hit.column in beside]

    def _said(self, tokens: Sequence[str]) -> dict[_Entry, None]:
        """What is found and not denied, in reading order, each once."""
        said: dict[_Entry, None] = {}
        position, denied_until = 0, -1
        for at in [at for at, token in enumerate(tokens) if token in self._watched]:
            if at < position:
                continue
            entry = self._longest(tokens, at)
            position = at + (len(entry.words) if entry else 1)
            if entry and at > denied_until and not _denied_behind(tokens, position):
                said[entry] = None
            last = tokens[position - 1]
            if last in NEGATORS:
                denied_until = position - 1 + REACH
            elif last in ENDS_NEGATION:
                denied_until = -1
        return said

    def _longest(self, tokens: Sequence[str], at: int) -> _Entry | None:
        """The longest phrase that begins at this token."""
        by_second = self._by_first.get(tokens[at])
        if by_second is None:
            return None
        if at + 1 < len(tokens):
            for entry in by_second.get(tokens[at + 1], ()):
                if tokens[at : at + len(entry.words)] == entry.words:
                    return entry
        return by_second[""][0] if "" in by_second else None


def _denied_behind(tokens: Sequence[str], end: int) -> bool:
    for token in tokens[end : end + _REACH_BACK]:
        if token in ENDS_NEGATION:
            return False
        if token in NEGATORS:
            return True
    return False

"""Reading a text once for all skills, or not at all: a text that may not be understood is no evidence.

text ──markup, quotations──► tokens ──disclosure? too short? not English?──► phrases ──► log-odds by skill
                                          └──────► nothing, and why
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from schemas.dialects.markup import without_markup
from streams.skills.phrase_book import Hit, PhraseBook
from streams.skills.skill_set import SkillSet
from streams.texts.disclosure import may_disclose
from streams.texts.english import MIN_WORDS, is_english
from streams.texts.quotations import without_quotations
from streams.texts.words import MAX_TEXT_CHARS, tokenise, words_of

MAX_TEXT_LOG_ODDS: Final = 3.0


class Unread(StrEnum):
    """Why a text is not read: it may disclose harm, has fewer than MIN_WORDS words of the writer's, is not English."""

    DISCLOSURE = "disclosure"
    SHORT = "short"
    NOT_ENGLISH = "not_english"


@dataclass(frozen=True, slots=True)
class TextReading:
    """What a text says: log-odds by the skill's column, and the phrases found. Both are empty where it is `unread`."""

    log_odds: Mapping[int, float]
    hits: Sequence[Hit]
    unread: Unread | None = None


_NOT_READ: Final = {why: TextReading({}, (), why) for why in Unread}


@dataclass(frozen=True, slots=True)
class TextReader:
    """A skill set, prepared for reading. `per_text` is what a text says of a skill by itself, by column."""

    phrases: PhraseBook
    per_text: Mapping[int, float]

    @classmethod
    def of(cls, skill_set: SkillSet) -> Self:
        """Index a skill set by phrase."""
        skills = skill_set.skills
        return cls(
            PhraseBook({name: skill.lexicon for name, skill in skills.items()}),
            {column: skill.per_text for column, skill in enumerate(skills.values()) if skill.per_text is not None},
        )

    def read(self, text: str) -> TextReading:
        """Read the first MAX_TEXT_CHARS characters of `text`, HTML or not. Pure; linear in their number."""
        plain = without_markup(text[:MAX_TEXT_CHARS])
        tokens = tokenise(plain)
        if may_disclose(tokens):
            return _NOT_READ[Unread.DISCLOSURE]
        own = without_quotations(plain)
        if own != plain:
            tokens = tokenise(own)
        words = words_of(tokens)
        if len(words) < MIN_WORDS:
            return _NOT_READ[Unread.SHORT]
        if not is_english(words):
            return _NOT_READ[Unread.NOT_ENGLISH]
        log_odds = dict(self.per_text)
        hits = self.phrases.find(tokens)
        for hit in hits:
            log_odds[hit.column] = log_odds.get(hit.column, 0.0) + hit.weight
        return TextReading(
            {column: max(-MAX_TEXT_LOG_ODDS, min(MAX_TEXT_LOG_ODDS, value)) for column, value in log_odds.items()},
            hits,
        )

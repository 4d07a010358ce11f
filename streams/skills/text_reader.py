"""Reading a text once for all skills, or not at all: a text that may not be understood is no evidence.

text ──markup, quotations──► tokens ──disclosure? too short? not English?──► phrases ──► log-odds by skill
                                          └──────► nothing, and why
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self

from streams.skills.phrase_book import Hit, PhraseBook
from streams.skills.skill_set import SkillSet
from streams.skills.word_lists import measured
from streams.texts.disclosure import disclosed
from streams.texts.english import MIN_WORDS, is_english
from streams.texts.quotations import without_quotations
from streams.texts.text_model import TextModel
from streams.texts.words import plain_text, tokenise, words_of

MAX_TEXT_LOG_ODDS: Final = 3.0


class Unread(StrEnum):
    """Why a text is not read: it may disclose harm, has fewer than MIN_WORDS words of the writer's (or than all that
    would read it need), is not English.
    """

    DISCLOSURE = "disclosure"
    SHORT = "short"
    NOT_ENGLISH = "not_english"


class TextReading(NamedTuple):
    """What a text says: log-odds by the skill's column, the phrases found, and facts that describe its language. All
    are empty where it is `unread`.
    """

    log_odds: Mapping[int, float]
    hits: Sequence[Hit]
    facts: Sequence[tuple[int, float]]
    unread: Unread | None = None


_NOT_READ: Final = {why: TextReading({}, (), (), why) for why in Unread}


@dataclass(frozen=True, slots=True)
class TextReader:
    """A skill set, prepared for reading. By column: `per_text` is what a text says of a skill by itself, `text_models`
    are those of the skills that have one.
    """

    phrases: PhraseBook
    per_text: Mapping[int, float]
    text_models: Mapping[int, TextModel]

    @classmethod
    def of(cls, skill_set: SkillSet) -> Self:
        """Index a skill set by phrase."""
        skills = list(skill_set.skills.values())
        return cls(
            PhraseBook({name: skill.lexicon for name, skill in skill_set.skills.items()}),
            {column: skill.per_text for column, skill in enumerate(skills) if skill.per_text is not None},
            {column: model for column, skill in enumerate(skills) if (model := skill.text_table) is not None},
        )

    def read(self, text: str) -> TextReading:
        """What `text` says of the skills; see `readable`. Pure."""
        tokens = readable(text)
        if isinstance(tokens, Unread):
            return _NOT_READ[tokens]
        log_odds = dict(self.per_text)
        hits = self.phrases.find(tokens)
        for hit in hits:
            log_odds[hit.column] = log_odds.get(hit.column, 0.0) + hit.weight
        if self.text_models:
            words = words_of(tokens)
            said = ((column, model.log_odds(words)) for column, model in self.text_models.items())
            log_odds |= {column: value for column, value in said if value is not None}
            if not log_odds and not self.phrases:
                return _NOT_READ[Unread.SHORT]
        log_odds = {column: _bounded(value) for column, value in log_odds.items()}
        return TextReading(log_odds, hits, measured(tokens))


def readable(text: str) -> list[str] | Unread:
    """The tokens of what the writer says in `text`, HTML or not, as far as it is read; or why they are not to be read.
    Linear in their number.
    """
    whole = plain_text(text)
    tokens = tokenise(whole)
    if disclosed(tokens):
        return Unread.DISCLOSURE
    own = without_quotations(whole)
    if own != whole:
        tokens = tokenise(own)
    words = words_of(tokens)
    if len(words) < MIN_WORDS:
        return Unread.SHORT
    return tokens if is_english(words) else Unread.NOT_ENGLISH


def _bounded(log_odds: float) -> float:
    if -MAX_TEXT_LOG_ODDS <= log_odds <= MAX_TEXT_LOG_ODDS:
        return log_odds
    return MAX_TEXT_LOG_ODDS if log_odds > 0 else -MAX_TEXT_LOG_ODDS

"""What a teacher may try, written and reviewed by people: the skills file's `[[skills.NAME.try]]`.

Nothing that an explanation suggests is made up for the occasion: it is one of these texts, as it stands here.
"""

import re
from collections.abc import Collection
from typing import Annotated, Final

from msgspec import Meta, Struct

from schemas.configuration.similar import choices
from streams.texts.readability import reads_hard

MAX_SUGGESTION_GRADE: Final = 9.0
MAX_SUGGESTION_CHARS: Final = 160
SCORE: Final = "score"
"""What `low` and `high` call the skill's own score."""
_LINK: Final = re.compile(r"https?:|www\.|\S@\S", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"[A-Z].*[.?!]")

SuggestionText = Annotated[str, Meta(min_length=10, max_length=MAX_SUGGESTION_CHARS, pattern=r"^[^{}<>*_#`\[\]\n]*$")]
AnsweredName = Annotated[str, Meta(min_length=2, max_length=80)]


class SuggestionError(ValueError):
    """A suggestion that cannot be given to a teacher; the message says why."""


class Suggestion(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing to try, and when it fits: where a rate, a fact or the score is `low` or `high`, or a fact is `seen`.

    `low` and `high` name an indicator, a fact that has a direction (low: it speaks against the skill), or SCORE;
    `seen` a fact, or a meaning of the skill's phrases. With none of the three it always fits.
    """

    text: SuggestionText
    low: AnsweredName | None = None
    high: AnsweredName | None = None
    seen: AnsweredName | None = None

    @property
    def is_general(self) -> bool:
        """Whether it fits always."""
        return self.low is self.high is self.seen is None


def check_suggestion(suggestion: Suggestion, rates: Collection[str], facts: Collection[str]) -> None:
    """Raises SuggestionError unless it is one or two plain sentences, up to grade 9, and answers at most one thing
    that there is: of `rates`, indicators and SCORE, and `facts`, facts and meanings.
    """
    named = [(key, name) for key in ("low", "high", "seen") if (name := getattr(suggestion, key)) is not None]
    if len(named) > 1:
        raise SuggestionError(f"{named[0][0]} and {named[1][0]} are both there: a suggestion answers one thing")
    for key, name in named:
        there = sorted(facts if key == "seen" else {*rates, *facts})
        if name not in there:
            raise SuggestionError(f"{key}: there is no {name!r}; there are {choices(name, there)}")
    if not _SENTENCE.fullmatch(suggestion.text):
        raise SuggestionError(
            f"text: {suggestion.text!r} is no sentence: it begins with a capital, and ends with a stop"
        )
    if _LINK.search(suggestion.text):
        raise SuggestionError("text: it has a link or an address")
    if reads_hard(suggestion.text, MAX_SUGGESTION_GRADE):
        raise SuggestionError(
            f"text: {suggestion.text!r} reads above grade {MAX_SUGGESTION_GRADE:.0f}: use shorter words, sentences"
        )

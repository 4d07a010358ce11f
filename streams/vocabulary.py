"""What rows, folding, skills, models and explanations all speak of: facts, codes of skills and of evidence items.

    event ──► facts (name, value) ──► totals per fact in the row ──► indicators, model features
                                 └──► the last evidence items ──► updates, explanations in words

A fact is declared once, in Fact; `streams.folding.facts` reads it from events. Nothing else has to know of a new one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal, Self
from zlib import crc32

from schemas import event as e
from schemas.catalogue import PHRASES, FactNumber, FactUnit
from schemas.errors import Fatal


@dataclass(frozen=True, slots=True)
class Measure:
    """What a fact's value measures: the unit and the number that people are told, and the largest value. `number` names
    how `shown` comes from the value, where it is not the value itself.
    """

    unit: FactUnit
    shown: Callable[[float], float]
    most: float
    number: FactNumber | None = None


_LOG_YEAR: Final = 17.3  # of seconds
_SCORE: Final = Measure("fraction", lambda value: value, 1)
_SHORTFALL: Final = Measure("fraction", lambda value: 1 - value, 1, "shortfall")
_COUNT: Final = Measure("count", lambda value: value, 1e6)
_DAYS: Final = Measure("days", lambda value: round(value, 1), 36_525)
_MINUTES: Final = Measure(
    "minutes", lambda log_seconds: round(math.expm1(log_seconds) / 60, 1), _LOG_YEAR, "log_seconds"
)
_SECONDS: Final = Measure(
    "seconds", lambda log_seconds: float(round(math.expm1(log_seconds))), _LOG_YEAR, "log_seconds"
)

Standing = Literal["event", "detail", "context", "language"]
_EVENT: Final = "event"
_CONTEXT: Final = "context"
_LANGUAGE: Final = "language"
_TEXTS: Final = e.Message, e.Reflection


class Fact(IntEnum):
    """All facts, each by its index, which is its key in every stored row: append, never reorder or reuse one.

    A line has the index, what happened in words, the kinds of events that state it, and then:

    measure   what its value is; {} in the words is the number, the next one a plural's s. None: it is not told.
              What stands in brackets belongs to the number: a model can put it into its text only as a whole.
    standing  "event": it stands for one event. An event states several facts, at most one of this standing, so that
              no event is counted twice. "context": it says where a student is, and nothing of a skill. "language":
              it describes a text (`streams.skills.word_lists`), for profiles; no model has a feature of it.
    revision  one more when the same events give it another value: models that read it have to be trained again.
    """

    ATTEMPTED = 0, "tried a task with [a score of {}]", (e.Attempt,), _SCORE, _EVENT
    PASSED = 1, "passed a task with [a score of {}]", (e.Attempt,), _SCORE
    FAILED = 2, "did not pass a task, with [a score of {}]", (e.Attempt, e.Failure), _SHORTFALL
    RETRIED = 3, "tried a task again", (e.Attempt, e.Retry)  # value: the number of the try, if known
    RECOVERED = 4, "passed a task on [try {}]", (e.Attempt,), _COUNT
    HINTED = 5, "took [{} hint{}] on a task", (e.Attempt, e.Hint), _COUNT
    GAVE_UP = 6, "gave up on a task", (e.Failure,)
    SUBMITTED = 7, "handed in work", (e.Submission,), None, _EVENT  # value: the weight of the work, if known
    MARKED = 8, "got [a mark of {}] for work handed in", (e.Submission, e.Mark), _SCORE
    EARLY = 9, "handed in work [{} day{}] early", (e.Submission,), _DAYS
    LATE = 10, "handed in work [{} day{}] late", (e.Submission,), _DAYS
    SET_CONTROLS = 11, "set [{} control{}] in a simulation", (e.Control,), _COUNT, _EVENT  # off neutral
    VARIED_NONE = 12, "ran a simulation with no control set", (e.Control,)
    VARIED_ONE = 13, "ran a simulation with a single control set", (e.Control,)
    VARIED_SOME = 14, "ran a simulation with [{} control{}] set at once", (e.Control,), _COUNT
    RESET = 15, "reset a simulation", (e.Control,), None, _EVENT
    WORKED = 16, "worked on a task for [{} minute{}]", (e.Attempt, e.Control), _MINUTES
    WROTE = 17, "wrote a message of [{} word{}]", (e.Message,), _COUNT, _EVENT
    REFLECTED = 18, "wrote [{} word{}] about their own work", (e.Reflection,), _COUNT, _EVENT
    REPLIED = 19, "replied to a message", (e.Message,)
    HELPED = 20, "helped another learner", (e.Collaboration,), None, _EVENT
    ASKED = 21, "asked another learner", (e.Collaboration,), None, _EVENT
    AGREED = 22, "agreed with another learner", (e.Collaboration,), None, _EVENT
    DISAGREED = 23, "disagreed with another learner", (e.Collaboration,), None, _EVENT
    ENROLLED = 24, "joined a course", (e.Session,), None, _EVENT
    SAT_DOWN = 25, "started a sitting", (e.Session,), None, _CONTEXT
    WATCHED = 26, "played a video", (e.Media,), None, _EVENT
    FINISHED = 27, "watched a video to the end", (e.Media,), None, _EVENT
    SOUGHT = 28, "skipped within a video", (e.Media,), None, _EVENT
    MISSED = 29, "missed a due date", (e.Overdue,), None, _EVENT  # value: the weight of the work, if known
    CHANGED = 30, "changed [{} control{}] between runs of a simulation", (e.Control,), _COUNT
    ISOLATED = 31, "changed one control and kept the rest still", (e.Control,)
    THOUGHT_BEFORE_NONE = 32, "took [{} second{}] before a run with no control set", (e.Control,), _SECONDS
    THOUGHT_BEFORE_ONE = 33, "took [{} second{}] before a run with a single control set", (e.Control,), _SECONDS
    THOUGHT_BEFORE_SOME = 34, "took [{} second{}] before a run with more controls set", (e.Control,), _SECONDS
    THOUGHT_BEFORE_RESET = 35, "took [{} second{}] before a reset", (e.Control,), _SECONDS
    ENDED = 36, "left a task [{} second{}] after the last step", (e.Session,), _SECONDS, _CONTEXT
    WITHDREW = 37, "withdrew from a course", (e.Session,), None, _EVENT
    WORDS_READ = (
        38,
        "wrote [{} word{}] in messages",
        _TEXTS,
        _COUNT,
        _LANGUAGE,
    )  # of texts that are read, quotations out
    HEDGED = 39, "hedged [{} time{}] in what they wrote", _TEXTS, _COUNT, _LANGUAGE
    CONNECTED_CAUSALLY = 40, "linked cause and effect [{} time{}] in what they wrote", _TEXTS, _COUNT, _LANGUAGE
    STATED_GOALS = 41, "stated [{} goal{}] in what they wrote", _TEXTS, _COUNT, _LANGUAGE
    REQUESTED = 42, "made [{} request{}] in what they wrote", _TEXTS, _COUNT, _LANGUAGE

    words: str
    read_from: tuple[type, ...]
    measure: Measure | None
    standing: Standing
    revision: int

    def __new__(
        cls,
        index: int,
        words: str,
        read_from: tuple[type, ...],
        measure: Measure | None = None,
        standing: Standing = "detail",
        revision: int = 1,
    ) -> Self:
        fact = int.__new__(cls, index)
        fact._value_ = index
        fact.words, fact.read_from, fact.measure = words, read_from, measure
        fact.standing, fact.revision = standing, revision
        return fact

    @property
    def key(self) -> str:
        """What it is called in skills files, features and updates."""
        return self.name.lower()


FACTS: Final = tuple(fact.key for fact in Fact)
INDEX: Final = {fact.key: fact for fact in Fact}
if [*Fact] != list(range(len(Fact))):
    raise Fatal("the facts' indices are not 0, 1, 2 … in the order of their lines")

SETTLED_BY: Final[dict[Fact, Fact]] = {
    Fact.PASSED: Fact.ATTEMPTED,
    Fact.VARIED_NONE: Fact.SET_CONTROLS,
    Fact.VARIED_ONE: Fact.SET_CONTROLS,
    Fact.VARIED_SOME: Fact.SET_CONTROLS,
    **{fact: Fact.WORDS_READ for fact in Fact if fact.standing == "language" and fact is not Fact.WORDS_READ},
}
"""Details that every event of another fact settles, one way or the other: a platform that states that fact states them,
too. Others, as how many hints were taken or which try it was, are optional fields: not said is not known."""

RUBRIC: Final = 0x7FFFFFFF
RUBRIC_FACT: Final = "rubric"
RUBRIC_WORDS: Final = "was given [a rating of {}] by a teacher", _SCORE
PHRASE: Final = 0x80000000
PHRASE_PREFIX: Final = PHRASES
"""An evidence item's code is a fact's index, RUBRIC, or PHRASE and the hash of a phrase; what updates call it is the
fact's key, RUBRIC_FACT, or PHRASE_PREFIX and the phrase."""


def skill_code(name: str) -> int:
    """What a skill is called in a row."""
    return crc32(name.encode())


def phrase_code(phrase: str) -> int:
    """What a phrase is called in an evidence item."""
    return PHRASE | crc32(phrase.encode())

"""Facts in words: the closed vocabulary in which evidence is told to a model and to people.

A fact that is not in the vocabulary is not told at all, so nothing a student wrote can leave by this way: of a
phrase that was found in a text only the finding is told, not the words.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from schemas.errors import Fatal
from streams.folding.facts import FACTS

PHRASE_PREFIX: Final = "~"
RUBRIC_FACT: Final = "rubric"
QuantityUnit = Literal["fraction", "count", "days", "minutes", "seconds"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that may be quoted. A fraction is 0 to 1, and may be written in percent."""

    value: float
    unit: QuantityUnit

    def __str__(self) -> str:
        if self.unit == "fraction":
            return f"{round(self.value * 100)} %"
        return f"{self.value:.0f}" if self.value == round(self.value) else f"{self.value:.1f}"


@dataclass(frozen=True, slots=True)
class WordedFact:
    """An evidence item in words, with the number that stands in them, if any."""

    text: str
    quantity: Quantity | None = None


_LOG_YEAR: Final = 17.3
_MOST: Final[dict[QuantityUnit, float]] = {
    "fraction": 1,
    "count": 1e6,
    "days": 36_525,
    "minutes": _LOG_YEAR,  # these two are kept as logarithms
    "seconds": _LOG_YEAR,
}
_Reading = tuple[str, QuantityUnit | None, Callable[[float], float]]


def in_words(fact: str, value: float) -> WordedFact | None:
    """`fact` of `value` in words, in the past tense, without a subject.

    None where the vocabulary lacks the fact, or the value is none that such a fact can have.
    """
    if fact.startswith(PHRASE_PREFIX):
        return WordedFact("wrote a phrase from this skill's list")
    reading = _READINGS.get(fact)
    if reading is None:
        return None
    text, unit, convert = reading
    if unit is None:
        return WordedFact(text)
    if not 0 <= value <= _MOST[unit]:
        return None
    quantity = Quantity(convert(value), unit)
    return WordedFact(text.format(quantity, "" if quantity.value == 1 else "s"), quantity)


def _same(value: float) -> float:
    return value


def _rest(value: float) -> float:
    return 1 - value


def _minutes(log_seconds: float) -> float:
    return round(math.expm1(log_seconds) / 60, 1)


def _seconds(log_seconds: float) -> float:
    return float(round(math.expm1(log_seconds)))


def _tenths(value: float) -> float:
    return round(value, 1)


_READINGS: Final[dict[str, _Reading]] = {
    "attempted": ("tried a task and scored {}", "fraction", _same),
    "passed": ("passed a task and scored {}", "fraction", _same),
    "failed": ("did not pass a task and scored {}", "fraction", _rest),
    "retried": ("tried a task again", None, _same),
    "recovered": ("passed a task on try {}", "count", _same),
    "hinted": ("took {} hint{} on a task", "count", _same),
    "gave_up": ("gave up on a task", None, _same),
    "submitted": ("handed in work", None, _same),
    "marked": ("got a mark of {} for work handed in", "fraction", _same),
    "early": ("handed in work {} day{} early", "days", _tenths),
    "late": ("handed in work {} day{} late", "days", _tenths),
    "set_controls": ("set {} control{} in a simulation", "count", _same),
    "varied_none": ("ran a simulation with no control set", None, _same),
    "varied_one": ("ran a simulation with a single control set", None, _same),
    "varied_some": ("ran a simulation with {} control{} set at once", "count", _same),
    "reset": ("reset a simulation", None, _same),
    "worked": ("worked on a task for {} minute{}", "minutes", _minutes),
    "wrote": ("wrote a message of {} word{}", "count", _same),
    "reflected": ("wrote {} word{} about their own work", "count", _same),
    "replied": ("replied to a message", None, _same),
    "helped": ("helped another learner", None, _same),
    "asked": ("asked another learner", None, _same),
    "agreed": ("agreed with another learner", None, _same),
    "disagreed": ("disagreed with another learner", None, _same),
    "enrolled": ("joined a course", None, _same),
    "sat_down": ("started a sitting", None, _same),
    "watched": ("played a video", None, _same),
    "finished": ("watched a video to the end", None, _same),
    "sought": ("skipped within a video", None, _same),
    "missed": ("missed a due date", None, _same),
    "changed": ("changed {} control{} between runs of a simulation", "count", _same),
    "isolated": ("changed one control and kept the rest still", None, _same),
    "thought_before_none": ("took {} second{} before a run with no control set", "seconds", _seconds),
    "thought_before_one": ("took {} second{} before a run with a single control set", "seconds", _seconds),
    "thought_before_some": ("took {} second{} before a run with more controls set", "seconds", _seconds),
    "thought_before_reset": ("took {} second{} before a reset", "seconds", _seconds),
    "ended": ("left a task {} second{} after the last step", "seconds", _seconds),
    RUBRIC_FACT: ("was rated {} by a teacher", "fraction", _same),
}
if untold := set(FACTS) - _READINGS.keys():
    raise Fatal(f"facts without words to tell them in: {', '.join(sorted(untold))}")

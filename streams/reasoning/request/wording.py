"""Facts in words (`streams.vocabulary`), and indicators in the skills file's: so evidence is told to a model and to
people.

A fact that is not in the vocabulary is left out, so nothing that a student wrote can leave by this way: of a phrase
that was found in a text only what the skills file says that it means is told, not the words.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from schemas.update import IndicatorRate
from streams.reasoning.counted import RateChange
from streams.skills.skill_set import Indicator
from streams.vocabulary import PHRASE_PREFIX, RUBRIC_FACT, RUBRIC_WORDS, Fact, QuantityUnit

NO_MEANINGS: Final[Mapping[str, str]] = {}
MIN_TREND: Final = 0.1
"""What of a trend is worth a word."""
LEAST_OF: Final = 3
"""How often something could have been done, both since the last explanation and before, for a difference to be worth
one. Chosen by hand."""
ChangeWay = Literal["more", "less"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as it is told: a fraction, which is 0 to 1, in percent."""

    value: float
    unit: QuantityUnit

    def __str__(self) -> str:
        if self.unit == "fraction":
            return f"{round(self.value * 100)} %"
        return f"{self.value:.0f}" if self.value == round(self.value) else f"{self.value:.1f}"


@dataclass(frozen=True, slots=True)
class WordedFact:
    """An evidence item or an indicator in words: `text` with slots for its numbers, and by slot what fills it.

    The slot of its number, with all that belongs to it, is "" here: "took {} on a task", {"": "3 hints"}; others begin
    with a point.
    """

    text: str
    values: Mapping[str, str] = field(default_factory=dict)


def in_words(fact: str, value: float, meanings: Mapping[str, str] = NO_MEANINGS) -> WordedFact | None:
    """`fact` of `value` in words, in the past tense, without a subject. `meanings` say what phrases mean.

    None where the vocabulary lacks the fact, or the value is none that such a fact can have.
    """
    if fact.startswith(PHRASE_PREFIX):
        meaning = meanings.get(fact.removeprefix(PHRASE_PREFIX))
        return WordedFact(meaning or "wrote a phrase from this skill's list")
    said = _WORDS.get(fact)
    if said is None:
        return None
    words, measure = said
    if measure is None:
        return WordedFact(words)
    if not 0 <= value <= measure.most:
        return None
    quantity = Quantity(measure.shown(value), measure.unit)
    text, number = _without_number(words)
    return WordedFact(text, {"": number.format(quantity, "" if quantity.value == 1 else "s")})


def rate_in_words(indicator: Indicator, seen: IndicatorRate) -> WordedFact:
    """What an indicator counted of a student, in the words of the skills file, or in its name; and its trend."""
    text, numbers = _words_of(indicator)
    way = trend_of(seen)
    if way is not None:
        text += f", of late {way} often"
    return WordedFact(text, {"": _counted(numbers, seen.count, seen.of, seen.value), ".rate": _percent(seen.value)})


def trend_of(seen: IndicatorRate) -> ChangeWay | None:
    """Which way a rate moved of late, if far enough to be told."""
    if abs(seen.trend) < MIN_TREND:
        return None
    return "more" if seen.trend > 0 else "less"


def change_in_words(indicator: Indicator, change: RateChange, age: str) -> WordedFact:
    """What an indicator counted since the last explanation, which was `age` ago, and before that."""
    text, numbers = _words_of(indicator)
    since, before = change.since, change.before
    values = {
        "": _counted(numbers, since.count, since.of, since.rate),
        ".rate": _percent(since.rate),
        ".since": f"last time, {age}",
    }
    text += " since {.since}"
    if before.of > 0:
        values[".before"] = _counted(numbers, before.count, before.of, before.rate)
        text += ", before that {.before}"
    way = way_of(change)
    return WordedFact(text if way is None else f"{text}, {way} often than before", values)


def way_of(change: RateChange) -> ChangeWay | None:
    """Whether something was done more or less often since the last explanation than before, as far as that is told."""
    if abs(change.difference) < MIN_TREND or min(change.since.of, change.before.of) < LEAST_OF:
        return None
    return "more" if change.difference > 0 else "less"


def _words_of(indicator: Indicator) -> tuple[str, str]:
    words = f"{indicator.name.replace('_', ' ')}: {{count}} of {{of}}"
    if isinstance(indicator.words, str) and _FILLED.search(indicator.words):
        words = indicator.words
    return _without_number(words)


def _counted(numbers: str, count: float, of: float, rate: float) -> str:
    return numbers.format(count=Quantity(count, "count"), of=Quantity(of, "count"), rate=_percent(rate))


def _percent(rate: float) -> str:
    return str(Quantity(rate, "fraction"))


def _without_number(words: str) -> tuple[str, str]:
    """The words with a slot for their number; what is in brackets, or from its first {} to the last."""
    found = _BRACKETED.search(words) or _FILLED.search(words)
    if found is None:
        return words, ""
    return f"{words[: found.start()]}{{}}{words[found.end() :]}", found.group().strip("[]")


_BRACKETED: Final = re.compile(r"\[[^]]*\]")
_FILLED: Final = re.compile(r"\{.*\}")
_WORDS: Final = {**{fact.key: (fact.words, fact.measure) for fact in Fact}, RUBRIC_FACT: RUBRIC_WORDS}

"""Facts in words (`streams.languages`), and indicators in the skills file's: so evidence is told to a model and to
people.

A fact that is not in the vocabulary is left out, so nothing that a student wrote can leave by this way: of a phrase
that was found in a text only what the skills file says that it means is told, not the words.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from schemas.update import IndicatorRate
from streams.languages.language import ENGLISH, Language, Quantity
from streams.languages.tables import VAGUE_PHRASE
from streams.reasoning.counted import RateChange
from streams.skills.skill_set import Indicator
from streams.vocabulary import INDEX, PHRASE_PREFIX, RUBRIC_FACT, RUBRIC_WORDS, Measure

NO_MEANINGS: Final[Mapping[str, str]] = {}
MIN_TREND: Final = 0.1
"""What of a trend is worth a word."""
LEAST_OF: Final = 3
"""How often something could have been done, both since the last explanation and before, for a difference to be worth
one. Chosen by hand."""
ChangeWay = Literal["more", "less"]
_BRACKETED: Final = re.compile(r"\[[^]]*\]")
_FILLED: Final = re.compile(r"\{.*\}")


@dataclass(frozen=True, slots=True)
class WordedFact:
    """An evidence item or an indicator in words: `text` with slots for its numbers, and by slot what fills it.

    The slot of its number, with all that belongs to it, is "" here: "took {} on a task", {"": "3 hints"}; others begin
    with a point. `vague`: of a phrase nobody said what it means.
    """

    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    vague: bool = False


def in_words(
    fact: str, value: float, meanings: Mapping[str, str] = NO_MEANINGS, language: Language = ENGLISH
) -> WordedFact | None:
    """`fact` of `value` in words, in the past tense, without a subject. `meanings` say what phrases mean.

    None where the vocabulary lacks the fact, or the value is none that such a fact can have.
    """
    if fact.startswith(PHRASE_PREFIX):
        meaning = meanings.get(fact.removeprefix(PHRASE_PREFIX))
        return WordedFact(language.words(meaning)) if meaning else WordedFact(language.facts[VAGUE_PHRASE], vague=True)
    words = language.facts.get(fact)
    if words is None:
        return None
    measure = _measure(fact)
    if measure is None:
        return WordedFact(words)
    if not 0 <= value <= measure.most:
        return None
    quantity = Quantity(measure.shown(value), measure.unit)
    text, number = _without_number(language.form(words, quantity))
    return WordedFact(text, {"": number.format(language.number(quantity))})


def rate_in_words(indicator: Indicator, seen: IndicatorRate, language: Language = ENGLISH) -> WordedFact:
    """What an indicator counted of a student, in the words of the skills file, or in its name; and its trend."""
    text, number = _counted(indicator, seen.count, seen.of, seen.value, language)
    way = trend_of(seen)
    if way is not None:
        text += language.tables.more_of_late if way == "more" else language.tables.less_of_late
    return WordedFact(text, {"": number, ".rate": language.percent(seen.value)})


def trend_of(seen: IndicatorRate) -> ChangeWay | None:
    """Which way a rate moved of late, if far enough to be told."""
    if abs(seen.trend) < MIN_TREND:
        return None
    return "more" if seen.trend > 0 else "less"


def change_in_words(indicator: Indicator, change: RateChange, days: int, language: Language = ENGLISH) -> WordedFact:
    """What an indicator counted since the last explanation, which was `days` ago, and before that."""
    says, since, before = language.tables.changes, change.since, change.before
    text, number = _counted(indicator, since.count, since.of, since.rate, language)
    values = {"": number, ".rate": language.percent(since.rate), ".since": language.last_time(days)}
    text += says.since
    if before.of > 0:
        values[".before"] = _counted(indicator, before.count, before.of, before.rate, language)[1]
        text += says.before
    way = way_of(change)
    return WordedFact(text if way is None else text + (says.more if way == "more" else says.less), values)


def way_of(change: RateChange) -> ChangeWay | None:
    """Whether something was done more or less often since the last explanation than before, as far as that is told."""
    if abs(change.difference) < MIN_TREND or min(change.since.of, change.before.of) < LEAST_OF:
        return None
    return "more" if change.difference > 0 else "less"


def _counted(indicator: Indicator, count: float, of: float, rate: float, language: Language) -> tuple[str, str]:
    """The words of an indicator with a slot for its numbers, and what fills it."""
    words = f"{indicator.name.replace('_', ' ')}: {{count}} of {{of}}"
    if isinstance(indicator.words, str) and _FILLED.search(indicator.words):
        words = language.words(indicator.words)
    counted = Quantity(count, "count")
    formed = _BRACKETED.sub(lambda part: part.group()[1:-1], language.form(words, counted))
    text, numbers = _without_number(formed)
    all_of = language.number(Quantity(of, "count"))
    return text, numbers.format(count=language.number(counted), of=all_of, rate=language.percent(rate))


def _measure(fact: str) -> Measure | None:
    """What the value of `fact` measures."""
    return RUBRIC_WORDS[1] if fact == RUBRIC_FACT else INDEX[fact].measure


def _without_number(words: str) -> tuple[str, str]:
    """The words with a slot for their number; what is in brackets, or from its first {} to the last."""
    found = _BRACKETED.search(words) or _FILLED.search(words)
    if found is None:
        return words, ""
    return f"{words[: found.start()]}{{}}{words[found.end() :]}", found.group().strip("[]")

"""Facts in words (`streams.vocabulary`): so evidence is told to a model and to people.

A fact that is not in the vocabulary is left out, so nothing that a student wrote can leave by this way: of a phrase
that was found in a text only the finding is described, not the words.
"""

from dataclasses import dataclass
from typing import Final

from streams.vocabulary import PHRASE_PREFIX, RUBRIC_FACT, RUBRIC_WORDS, Fact, QuantityUnit


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


def in_words(fact: str, value: float) -> WordedFact | None:
    """`fact` of `value` in words, in the past tense, without a subject.

    None where the vocabulary lacks the fact, or the value is none that such a fact can have.
    """
    if fact.startswith(PHRASE_PREFIX):
        return WordedFact("wrote a phrase from this skill's list")
    said = _WORDS.get(fact)
    if said is None:
        return None
    words, measure = said
    if measure is None:
        return WordedFact(words)
    if not 0 <= value <= measure.most:
        return None
    quantity = Quantity(measure.shown(value), measure.unit)
    return WordedFact(words.format(quantity, "" if quantity.value == 1 else "s"), quantity)


_WORDS: Final = {**{fact.key: (fact.words, fact.measure) for fact in Fact}, RUBRIC_FACT: RUBRIC_WORDS}

"""Numbers in a sentence, and whether they are ones that may be quoted."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.reasoning.request.wording import Quantity

_FIGURE: Final = re.compile(
    r"(?<![\w.,])(?P<sign>[-−])?(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<rest>[.,]\d+)?(?P<percent>\s*(?:%|per ?cent\b))?"
)
_INTERVAL: Final = re.compile(r"\b90\s*(?:%|per ?cent)\s+interval")
_WORDS: Final = {
    word: float(value)
    for value, word in enumerate(
        "zero _ two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
    if word != "_"  # "one" is a pronoun more often than a number
} | {"thirty": 30.0, "forty": 40.0, "fifty": 50.0, "hundred": 100.0, "thousand": 1000.0, "twice": 2.0, "half": 0.5}
_WORD: Final = re.compile(r"\b(?:" + "|".join(_WORDS) + r")\b", re.IGNORECASE)
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Written:
    """A number as it stands in a text: with `decimals` behind the point, in percent or not."""

    text: str
    value: float
    decimals: int
    percent: bool = False


def written_in(text: str) -> list[Written]:
    """The numbers in `text`, in figures and in English words. The "90 %" of "90 % interval" is a name, not a number.

    A figure that is neither (½, ²) is given as NaN, which equals nothing.
    """
    text = _INTERVAL.sub("", text)
    numbers = [_figure(match) for match in _FIGURE.finditer(text)]
    numbers += [Written(m.group(), _WORDS[m.group().lower()], 0) for m in _WORD.finditer(text)]
    return numbers + [Written(c, float("nan"), 0) for c in text if unicodedata.category(c) in ("No", "Nl")]


def is_quoted(number: Written, quantities: Iterable[Quantity]) -> bool:
    """Whether `number` is one of `quantities`, correctly rounded to the decimals that it is written with.

    A fraction is not rounded to a whole: 0.72 may be written 0.7 or 72 %, never 1.
    """
    return any(_equals(number, quantity) for quantity in quantities)


def _equals(number: Written, quantity: Quantity) -> bool:
    value = quantity.value
    if number.percent:
        if quantity.unit != "fraction":
            return False
        value *= 100
    elif quantity.unit == "fraction" and number.decimals == 0:
        return number.value == value
    return abs(number.value - value) <= 0.5 * 10.0**-number.decimals + _ROUNDING


def _figure(match: re.Match[str]) -> Written:
    decimals = (match["rest"] or "")[1:]
    value = float(f"{match['digits'].replace(',', '')}.{decimals or '0'}")
    return Written(match.group(), -value if match["sign"] else value, len(decimals), bool(match["percent"]))

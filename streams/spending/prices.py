"""What tokens cost: OpenAI's prices of a day, and those that are set, which win.

Money is counted in billionths of a US dollar, whole numbers: a price of a dollar a million tokens is 1000 of them a
token, so prices of up to three decimals are exact.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from streams.spending.usage import TokenUsage

NANO_USD: Final = 1_000_000_000
PRICES_AS_OF: Final = "2026-11-05"
"""The day of SHIPPED_PRICES; standard processing, short context."""
MAX_PRICE_USD: Final = 10_000.0
_SNAPSHOT: Final = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|latest)\Z")


class PriceError(ValueError):
    """A price that cannot be read; the message says which, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars a million tokens: of input, of input read from the provider's cache, of output; `written` of input
    written to that cache, None where that costs as other input does.
    """

    input: float
    cached: float
    output: float
    written: float | None = None

    def nano_usd(self, usage: TokenUsage) -> int:
        """The cost of `usage`, rounded up. Reasoning tokens are output, and cost as much."""
        written = min(usage.written_tokens, usage.input_tokens - usage.cached_tokens)
        plain = usage.input_tokens - usage.cached_tokens - written
        dollars = (
            plain * self.input
            + usage.cached_tokens * self.cached
            + written * (self.input if self.written is None else self.written)
            + usage.output_tokens * self.output
        )
        return math.ceil(round(dollars * 1000, 6))

    def most_nano_usd(self, input_tokens: int, output_tokens: int) -> int:
        """The most that so many tokens can cost, cached or not."""
        dearest = max(self.input, self.cached, self.written or 0.0)
        return math.ceil(round((input_tokens * dearest + output_tokens * self.output) * 1000, 6))


SHIPPED_PRICES: Final[Mapping[str, Price]] = MappingProxyType(
    {
        "gpt-4.1": Price(2.0, 0.5, 8.0),
        "gpt-4.1-mini": Price(0.4, 0.1, 1.6),
        "gpt-4.1-nano": Price(0.1, 0.025, 0.4),
        "gpt-6-luna": Price(0.1, 0.01, 0.5, written=0.125),
        "gpt-6-sol": Price(2.0, 0.2, 10.0, written=2.5),
    }
)


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by the model's name, and the models that are asked for. Empty: money is not counted."""

    by_model: Mapping[str, Price] = field(default_factory=lambda: MappingProxyType({}))
    asked: tuple[str, ...] = ()

    def known(self, model: str) -> Price | None:
        """The price of `model`, or of what it is a snapshot of (`gpt-4.1-2025-04-14`); None where neither is set.

        No other beginning counts: what is called like a cheap model may cost ten times as much.
        """
        return self.by_model.get(model) or self.by_model.get(_SNAPSHOT.sub("", model))

    def of(self, model: str) -> Price | None:
        """As `known`; of a model that nobody priced the dearest of those asked for, so that it cannot slip under a
        limit. None where these have no price either.
        """
        if (price := self.known(model)) is not None:
            return price
        asked = [price for name in self.asked if (price := self.known(name)) is not None]
        if not asked:
            return None
        return Price(
            max(price.input for price in asked),
            max(price.cached for price in asked),
            max(price.output for price in asked),
            max(price.written or price.input for price in asked),
        )

    def unknown(self) -> tuple[str, ...]:
        """The models asked for that have no price."""
        return tuple(model for model in self.asked if self.known(model) is None)


def read_prices(texts: Iterable[str]) -> dict[str, Price]:
    """Prices from `MODEL=INPUT/CACHED/OUTPUT`, with `/WRITTEN` where it differs; US dollars a million tokens.

    Raises PriceError.
    """
    prices: dict[str, Price] = {}
    for text in texts:
        model, _, dollars = text.rpartition("=")
        numbers = [_dollars(part) for part in dollars.split("/")]
        if not model.strip() or len(numbers) not in (3, 4) or None in numbers:
            raise PriceError(
                f"{text[:100]!r} is not MODEL=INPUT/CACHED/OUTPUT in US dollars a million tokens, each 0 to "
                f"{MAX_PRICE_USD:.0f}, as in gpt-4.1=2/0.5/8 (a fourth number: input written to the provider's cache)"
            )
        prices[model.strip()] = Price(*(number for number in numbers if number is not None))
    return prices


def _dollars(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= MAX_PRICE_USD else None

"""What tokens cost. No price is built in: they change, and a made-up one would make a made-up ceiling."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars a million tokens, which is the same number in millionths of a dollar a token."""

    input_usd_per_million: float
    output_usd_per_million: float

    def micro_usd(self, input_tokens: int, output_tokens: int) -> int:
        """The cost in millionths of a dollar, rounded up."""
        cost = self.input_usd_per_million * input_tokens + self.output_usd_per_million * output_tokens
        return math.ceil(cost)


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by the model's name. Empty: money is not counted."""

    by_model: Mapping[str, Price] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, model: str) -> Price | None:
        """The price of `model`: its own, else that of the longest name it begins with (`gpt-4.1-2025-04-14`), else
        the dearest of all, so that an unknown model cannot slip under a ceiling. None where no price is set.
        """
        if not self.by_model:
            return None
        named = [name for name in self.by_model if model == name or model.startswith(f"{name}-")]
        if named:
            return self.by_model[max(named, key=len)]
        return Price(
            max(price.input_usd_per_million for price in self.by_model.values()),
            max(price.output_usd_per_million for price in self.by_model.values()),
        )

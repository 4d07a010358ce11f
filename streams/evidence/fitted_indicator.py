"""An indicator as `train` fitted it, in the card: it takes the place of what the skills file's author chose by hand."""

import msgspec
from msgspec import Struct

from streams.skills.skill_set import Indicator


class FittedIndicator(Struct, frozen=True, kw_only=True):
    """The prior rate, what it is worth in observations, and the weight; of the rate that has these terms."""

    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    prior: float
    strength: float
    weight: float

    def is_of(self, indicator: Indicator) -> bool:
        """Whether the skills file still means the same rate."""
        return (self.numerator, self.denominator) == (indicator.numerator, indicator.denominator)

    def applied(self, indicator: Indicator) -> Indicator:
        """The indicator as it was fitted."""
        return msgspec.structs.replace(indicator, prior=self.prior, strength=self.strength, weight=self.weight)

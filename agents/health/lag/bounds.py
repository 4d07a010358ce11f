"""From how far behind on a group is degraded, and from how far on it fails."""

from dataclasses import dataclass
from typing import Final, Self

from agents.config.settings import Settings
from agents.display.duration import duration
from agents.health.lag.figures import Lag


@dataclass(frozen=True, slots=True, kw_only=True)
class LagBounds:
    """Records of all partitions together, and seconds that the oldest has waited; 0 is no bound."""

    degraded_records: int = 100_000
    degraded_s: float = 60.0
    failing_records: int = 1_000_000
    failing_s: float = 600.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As they are set."""
        return cls(
            degraded_records=settings.lag_degraded_records,
            degraded_s=settings.lag_degraded_s,
            failing_records=settings.lag_failing_records,
            failing_s=settings.lag_failing_s,
        )

    def is_degraded(self, lag: Lag) -> bool:
        """Whether more is behind than all is well with."""
        return _exceeds(lag, self.degraded_records, self.degraded_s)

    def is_failing(self, lag: Lag) -> bool:
        """Whether so much is behind that somebody should be woken."""
        return _exceeds(lag, self.failing_records, self.failing_s)


DEFAULT_LAG_BOUNDS: Final = LagBounds()


def how_far_behind(lag: Lag) -> str:
    """How far behind, and where that leads: in words, without a full stop."""
    behind_on = sum(1 for records in lag.records.values() if records > 0)
    waited = f", the oldest for {duration(lag.longest_s)}" if lag.longest_s else ""
    on = f"on {behind_on} of {len(lag.records)} partitions of the group's topics"
    return f"{lag.total_records:,} records behind{waited}, {on}{_where_to(lag)}"


def _where_to(lag: Lag) -> str:
    growth = lag.growth_per_s
    if growth is None or not lag.total_records:
        return ""
    if growth < 0:
        return f"; catching up by {-growth:,.0f} records/s, level in about {duration(lag.total_records / -growth)}"
    return f"; falling behind by {growth:,.0f} records/s" if growth > 0 else "; neither catching up nor falling behind"


def _exceeds(lag: Lag, records: int, seconds: float) -> bool:
    return bool((records and lag.total_records >= records) or (seconds and (lag.longest_s or 0.0) >= seconds))

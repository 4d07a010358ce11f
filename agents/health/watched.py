"""What health looks at, and by which bounds."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from agents.health.lag import DEFAULT_LAG_BOUNDS, LagBounds, LagMonitor
from agents.health.snapshot import WITHOUT_NORMS, ConfigState, IdentityState, NormsState, ReasoningState, WorkerState

Ask = Callable[[], Awaitable[None]]
"""Returns if the server answers, else raises SkillstreamError. May take its time: the asker has a deadline."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server to ask; `where` is its address as it is shown: without credentials."""

    where: str
    ask: Ask


@dataclass(slots=True)
class SourceFailures:
    """Which sources of evidence failed lately; a source is forgiven after `forgiven_after_s`."""

    forgiven_after_s: float = 60.0
    clock_s: Callable[[], float] = monotonic
    _failed_at_s: dict[str, float] = field(default_factory=dict)

    def note(self, source: str) -> None:
        """`source` has failed just now."""
        self._failed_at_s[source] = self.clock_s()

    def recent(self) -> frozenset[str]:
        """Sources that failed lately."""
        now_s = self.clock_s()
        return frozenset(name for name, at_s in self._failed_at_s.items() if now_s - at_s < self.forgiven_after_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One worker and what it needs. `redis` is None where it isn't configured; `model` is the artifact's id.

    `jumped` says which position jumped last; `beyond_horizon` is how many events may be repeats that nobody knows.
    `held` tells on which partitions tenants are held; None without tenants, as `identities` do where they are off.
    """

    worker: WorkerState
    lag: LagMonitor
    broker: Server
    redis: Server | None
    reasoning: Callable[[], ReasoningState]
    model: str
    model_skills: int
    failures: SourceFailures
    config: Callable[[], ConfigState]
    jumped: Callable[[], str | None] = lambda: None
    beyond_horizon: Callable[[], int] = lambda: 0
    norms: Callable[[], NormsState] = lambda: WITHOUT_NORMS
    held: Callable[[], Mapping[str, Sequence[int]] | None] = lambda: None
    identities: Callable[[], IdentityState | None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthBounds:
    """In seconds: without progress, for an open transaction, for a server's answer, and how long an answer counts; and
    how far behind is fine.
    """

    stall_after_s: float = 90.0
    held_bearable_s: float = 60.0
    deadline_s: float = 3.0
    max_age_s: float = 1.0
    lag: LagBounds = DEFAULT_LAG_BOUNDS

"""The input of a health assessment, gathered at one moment, so that the assessment is a pure function."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from agents.health.lag import DEFAULT_LAG_BOUNDS, Lag, LagBounds


class WorkerState(Protocol):
    """The worker, as far as its health goes; DeliveryApp is one."""

    @property
    def table_recovered(self) -> bool: ...
    @property
    def active_partitions(self) -> frozenset[int]: ...
    @property
    def failure(self) -> BaseException | None: ...
    @property
    def broker_outage(self) -> str | None: ...
    def last_progress_s(self) -> Mapping[int, float]: ...
    def restored_offsets(self) -> Mapping[int, int]: ...


@dataclass(frozen=True, slots=True)
class ReasoningState:
    """How explanations are made. `key_present` never holds the key.

    `blocked` says why nothing is asked for now, `failing` why calls fail, `unpaid` why no money is left for them;
    `spent` is how much of the limits of money is, empty without any; `unpaid_tenants` the same of those whose own money
    is spent.
    """

    mode: Literal["off", "scripted", "templates", "openai"]
    key_present: bool = False
    blocked: str | None = None
    failing: str | None = None
    unpaid: str | None = None
    spent: str = ""
    unpaid_tenants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConfigState:
    """Which configuration is in force, and what is wrong with what is on `fusion-config`, if anything."""

    version: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class NormsState:
    """Which norms are in force, and what is wrong with what is on `norms`, if anything; `version` is None before the
    first.
    """

    version: str | None = None
    number: int = 0
    problem: str | None = None
    off: bool = False


@dataclass(frozen=True, slots=True)
class IdentityState:
    """How many other ids of students are known, whether all were read once, and what is wrong with the topic."""

    entries: int = 0
    is_read: bool = False
    problem: str | None = None


WITHOUT_NORMS: Final = NormsState(off=True)


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of asking a server: `problem` is None if it answered."""

    where: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A worker at one moment. `redis` is None where it isn't configured; `model` is the artifact's id.

    `beyond_horizon` is how many events since the start may have been repeats that nobody knows any more; `jumped` says
    which position jumped last; `held_bearable_s` is how long a transaction may be open, `lag_bounds` how far behind is
    fine. `held` are the partitions on which a tenant is held, by tenant; None without tenants, as
    are `identities` where they are off.
    """

    broker: Probe
    redis: Probe | None
    reasoning: ReasoningState
    model: str
    model_skills: int
    config: ConfigState
    failing_sources: Set[str]
    failure: BaseException | None
    broker_outage: str | None
    table_recovered: bool
    owned: Set[int]
    stalled_s: Mapping[int, float]
    recovery_stalled_s: float | None
    lag: Lag
    beyond_horizon: int = 0
    jumped: str | None = None
    held_bearable_s: float = 60.0
    lag_bounds: LagBounds = DEFAULT_LAG_BOUNDS
    norms: NormsState = WITHOUT_NORMS
    held: Mapping[str, Sequence[int]] | None = None
    identities: IdentityState | None = None

"""What one worker says of itself for the dashboard: a document of JSON, read by whichever worker draws the page.

Workers of two versions ask each other while a group is upgraded: a field that is not known is passed over, one that is
missing has its default, and a page is drawn of what is there. Nothing here names a student, or shows what one wrote.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct, field

PAST_STEP_S: Final = 5
SUMMED: Final = ("records", "updates")
"""Series of `PastFigure` that count: what was added in each step. The sum over workers is the group's."""
LEVELLED: Final = ("lag", "pending")
"""Series of `PastFigure` that are read off: their value at each step's end."""


class ComponentFigure(Struct, frozen=True):
    """A part that the work rests on, as /health/detailed has it."""

    name: str
    status: str = "ok"
    reason: str = ""


class PartitionFigure(Struct, frozen=True, kw_only=True):
    """How far the group is behind in one partition. `seconds`, `status` and `owner` are absent where nobody knows."""

    topic: str
    partition: int
    committed: int | None = None
    end: int | None = None
    records: int | None = None
    seconds: float | None = None
    status: str | None = None
    owner: str | None = None
    held: int = 0


class LagFigure(Struct, frozen=True, kw_only=True):
    """The lag of all partitions, by the broker's figures; every worker has the same ones."""

    problem: str | None = None
    age_s: float | None = None
    partitions: list[PartitionFigure] = []


class DeadLetterFigure(Struct, frozen=True, kw_only=True):
    """Where one record was that nobody could read, and why; never what was in it."""

    at_ms: int
    topic: str
    partition: int
    offset: int
    reason: str


class SkillFigure(Struct, frozen=True, kw_only=True):
    """Of the students looked at, how many are in each level of a skill; `profile` has those without a score."""

    skill: str
    levels: dict[str, int] = {}


class SkillsFigure(Struct, frozen=True, kw_only=True):
    """Levels of a sample: of `students`, `sampled` were looked at."""

    students: int = 0
    sampled: int = 0
    skills: list[SkillFigure] = []


class ReasoningFigure(Struct, frozen=True, kw_only=True):
    """Explanations: who writes them, who waits, what they cost. `budget` is the spent share by limit."""

    mode: str = "off"
    problem: str | None = None
    pending: int = 0
    oldest_pending_s: float | None = None
    in_flight: int = 0
    budget: dict[str, float] = {}
    spend_usd: float = 0.0
    granted: float = 0.0
    refused: dict[str, float] = {}
    explanations: dict[str, float] = {}
    given_up: float = 0.0


class TenantFigure(Struct, frozen=True, kw_only=True):
    """What a tenant does and may. Rates are of the last minute, `held` is on how many partitions; `budget` is the spent
    share of its own money by limit, `unpaid` whether none is left; `refused` are calls that its own limit refused.
    """

    tenant: str
    events_s: float = 0.0
    updates_s: float = 0.0
    dead_letters: float = 0.0
    held: int = 0
    budget: dict[str, float] = {}
    unpaid: bool = False
    spend_usd: float = 0.0
    refused: float = 0.0


class PastFigure(Struct, frozen=True, kw_only=True):
    """The last steps of PAST_STEP_S seconds, the oldest first, the last one ending at `ends_s` (a multiple of it).

    `series` has one number a step, None where it was not known. `latency` has for each step how many records were in
    each bucket of the histogram, whose upper ends are `latency_bounds_s`; one more is for those above.
    """

    ends_s: int = 0
    series: dict[str, list[float | None]] = {}
    latency_bounds_s: list[float] = []
    latency: list[list[int]] = []


class PageFigures(Struct, frozen=True, kw_only=True):
    """The whole document. Counts are since the worker started."""

    status: str = "ok"
    components: list[ComponentFigure] = []
    students: int = 0
    lag: LagFigure = field(default_factory=LagFigure)
    degraded_updates: float = 0.0
    dead_letters: dict[str, float] = {}
    last_dead_letters: list[DeadLetterFigure] = []
    sources: dict[str, str] = {}
    source_failures: dict[str, float] = {}
    reasoning: ReasoningFigure = field(default_factory=ReasoningFigure)
    skills: SkillsFigure = field(default_factory=SkillsFigure)
    past: PastFigure = field(default_factory=PastFigure)
    tenants: list[TenantFigure] = []


def written(figures: PageFigures) -> dict[str, Any]:
    """The document, to be encoded as JSON."""
    document: dict[str, Any] = msgspec.to_builtins(figures)
    return document

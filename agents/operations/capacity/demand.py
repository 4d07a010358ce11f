"""What a deployment is to bear."""

from dataclasses import dataclass
from typing import Literal

EventDialect = Literal["native", "xapi", "caliper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """`events_per_s` is the busiest second's, `mean_events_per_s` that of day and night. `text_share` of events hold
    a text. `events_per_student` are those of a student so far. `utilisation`: how much of its core a worker may need
    for what grows with events.

    `workers` and `partitions` 0: as many as are needed.
    """

    students: int
    events_per_s: float
    mean_events_per_s: float
    event_bytes: float
    dialect: EventDialect = "native"
    text_share: float = 0.0
    events_per_student: int = 60
    retention_days: float = 7.0
    replication: int = 3
    store: Literal["memory", "rocksdb"] = "memory"
    workers: int = 0
    partitions: int = 0
    utilisation: float = 0.6
    memory_gb: float = 4.0
    recovery_s: float = 120.0
    collect_ms: float = 10.0
    known_ids: int = 2_000
    store_memory_mb: int = 256
    calls_per_hour: int = 500
    explain_days: float = 7.0

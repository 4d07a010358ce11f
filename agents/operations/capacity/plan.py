"""A plan: partitions, workers, memory, disk, recovery and explanations for a demand, from `costs` alone.

No queueing theory: a worker is planned at a share of its core that was measured to keep its latency.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

from agents.delivery.log_policy import DIRTY_RATIO, SEGMENT_MS
from agents.operations.capacity.costs import (
    BATCH_BYTES,
    CALL_USD,
    PROCESS_BYTES,
    RESTORED_ROWS_PER_S,
    START_S,
)
from agents.operations.capacity.demand import Demand
from agents.operations.capacity.record_sizes import row_record_bytes, student_memory_bytes, update_record_bytes
from agents.operations.capacity.working import Working, event_cpu_s, working
from schemas.topics import ACTIVITY, UPDATES

GB: Final = 1e9
_DAY_S: Final = 86_400
_FEWEST_PARTITIONS: Final = 4
_SEGMENT_BYTES: Final = 2**30  # Kafka's own; the newest segment of a partition is not compacted
_NOT_COMPACTED_S: Final = SEGMENT_MS / 1000 + 86 + 15  # segment.ms, min.compaction.lag.ms, the cleaner's pause
_LIVE_SHARE: Final = 1 - float(DIRTY_RATIO)


@dataclass(frozen=True, slots=True)
class TopicDisk:
    """What a topic takes on all brokers' disks together, replicas included."""

    topic: str
    size_bytes: float
    why: str


@dataclass(frozen=True, slots=True)
class CallBudget:
    """What the limit of calls comes to, and what it takes to explain each student every `explain_days`."""

    calls_per_day: float
    days_for_all: float
    calls_per_hour_wanted: float
    usd_per_month: float
    usd_per_month_wanted: float


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """Of `demand`; `bound_by` says what asks for so many workers."""

    demand: Demand
    workers: int
    partitions: int
    bound_by: str
    worker: Working
    memory_bytes: float
    disk: tuple[TopicDisk, ...]
    written_bytes_per_s: float
    restored_rows: float
    recovery_s: float
    explained: CallBudget
    notes: tuple[str, ...]

    @property
    def disk_bytes(self) -> float:
        """On all brokers together."""
        return sum(topic.size_bytes for topic in self.disk)


def plan(demand: Demand) -> CapacityPlan:
    """The fewest workers that bear it, or what those that are given come to."""
    needed = _needed(demand)
    bound_by, fewest = max(needed.items(), key=lambda item: item[1])
    workers = demand.workers or fewest
    partitions = demand.partitions or max(_FEWEST_PARTITIONS, 2 * workers)
    worker = working(demand, demand.events_per_s / workers, demand.students / workers)
    batch = min(worker.events_per_step * worker.updates_per_event * workers / partitions, 10_000)
    row = row_record_bytes(demand.events_per_student, batch, demand.known_ids)
    update = update_record_bytes(demand.events_per_student, batch)
    restored = _restored_rows(demand) / workers
    updates_per_s = demand.events_per_s * worker.updates_per_event
    return CapacityPlan(
        demand=demand,
        workers=workers,
        partitions=partitions,
        bound_by="given" if demand.workers else bound_by,
        worker=worker,
        memory_bytes=_memory_bytes(demand, workers),
        disk=tuple(_disk(demand, partitions, worker.updates_per_event, row, update)),
        written_bytes_per_s=demand.events_per_s * demand.event_bytes + updates_per_s * (row + update),
        restored_rows=restored,
        recovery_s=START_S + restored / RESTORED_ROWS_PER_S,
        explained=_explained(demand),
        notes=tuple(_notes(demand, workers, partitions, fewest, worker)),
    )


def _needed(demand: Demand) -> dict[str, int]:
    """Workers, by what asks for them."""
    needed = {
        "CPU": ceil(demand.events_per_s * event_cpu_s(demand) / demand.utilisation),
        "recovery": ceil(_restored_rows(demand) / RESTORED_ROWS_PER_S / max(1.0, demand.recovery_s - START_S)),
    }
    if demand.store == "memory":
        room = max(demand.memory_gb * GB - PROCESS_BYTES - BATCH_BYTES, GB / 10)
        needed["memory"] = ceil(_table_bytes(demand) / room)
    return {name: max(1, count) for name, count in needed.items()}


def _table_bytes(demand: Demand) -> float:
    return demand.students * student_memory_bytes(demand.events_per_student, demand.known_ids)


def _memory_bytes(demand: Demand, workers: int) -> float:
    """Of one worker."""
    rows = _table_bytes(demand) / workers if demand.store == "memory" else demand.store_memory_mb * 1e6
    return PROCESS_BYTES + BATCH_BYTES + rows


def _restored_rows(demand: Demand) -> float:
    """Records of the changelog that all workers together read at a start: rows, and what is not compacted yet."""
    lately = demand.events_per_s * working(demand, demand.events_per_s, demand.students).updates_per_event
    return demand.students / _LIVE_SHARE + lately * _NOT_COMPACTED_S


def _disk(demand: Demand, partitions: int, updates_per_event: float, row: float, update: float) -> Iterator[TopicDisk]:
    copies, mean = demand.replication, demand.mean_events_per_s
    days = demand.retention_days
    yield TopicDisk(ACTIVITY.name, copies * mean * days * _DAY_S * demand.event_bytes, f"{days:g} days of events")
    rows = demand.students / _LIVE_SHARE + mean * updates_per_event * _NOT_COMPACTED_S
    yield TopicDisk("students-changelog", copies * rows * row, "a row a student, and those of the last minutes")
    live = demand.students * update
    day = mean * updates_per_event * _DAY_S * update
    superseded = min(day, live + partitions * _SEGMENT_BYTES)
    yield TopicDisk(UPDATES.name, copies * (live + superseded), "an update a student, and those not compacted yet")


def _explained(demand: Demand) -> CallBudget:
    a_day = demand.calls_per_hour * 24
    wanted = demand.students / demand.explain_days / 24
    return CallBudget(
        calls_per_day=a_day,
        days_for_all=demand.students / a_day if a_day else float("inf"),
        calls_per_hour_wanted=wanted,
        usd_per_month=a_day * 30 * CALL_USD,
        usd_per_month_wanted=wanted * 24 * 30 * CALL_USD,
    )


def _notes(demand: Demand, workers: int, partitions: int, fewest: int, worker: Working) -> Iterator[str]:
    if workers > partitions:
        yield f"{workers - partitions} of {workers} workers have no partition: {partitions} are all there are"
    if workers < fewest:
        yield f"too few workers: {fewest} are needed"
    if worker.work >= 1:
        yield "it falls behind: events come faster than they can be folded"
    elif partitions % workers:
        yield f"{partitions} partitions do not divide by {workers} workers: some have one more than others"

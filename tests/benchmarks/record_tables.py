"""Bytes of rows and updates by a student's history and by the records of a batch: the tables of `costs`. No broker."""

import asyncio
from dataclasses import dataclass
from statistics import mean
from typing import Final

from agents.operations.capacity.costs import BATCHES, HISTORIES
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.rows.segments import is_segment
from streams.simulation import simulate
from tests.benchmarks.packing import Records, pack
from tests.benchmarks.piping import patient_skills
from tests.events import fail_source

_STUDENTS: Final = 1_000
_NOW_MS: Final = 1_900_000_000_000


@dataclass(frozen=True, slots=True)
class RecordTables:
    """By HISTORIES, and of what is packed by BATCHES."""

    rows: list[int]
    packed_rows: list[list[int]]
    packed_updates: list[list[int]]


def record_tables() -> RecordTables:
    """Measured on the last event of each student, with the worker's codec."""
    found = RecordTables([], [], [])
    for events in HISTORIES:
        rows, updates = asyncio.run(_written(events))
        found.rows.append(round(mean(len(row) for _, row in rows)))
        found.packed_rows.append([_packed_bytes(rows, batch) for batch in BATCHES])
        found.packed_updates.append([_packed_bytes(updates, batch) for batch in BATCHES])
    return found


async def _written(events: int) -> tuple[Records, Records]:
    """Rows and updates of one more event of each student, in the mean, after so many."""
    simulated = simulate(_STUDENTS, _STUDENTS * events, seed=3, faults=0.0)
    records = [FileRecord(offset, _NOW_MS, each.value, key=each.key) for offset, each in enumerate(simulated)]
    replay = Replay(Pipeline(patient_skills(), load_artifact("default"), on_failure=fail_source))
    await replay.feed(records[:-_STUDENTS])
    last = await replay.feed(records[-_STUDENTS:])
    rows = [(key, row) for key, row in last.rows.items() if row is not None and not is_segment(key)]
    return rows, list(last.updates.items())


def _packed_bytes(records: Records, batch: int) -> int:
    packed = pack([records[at : at + batch] for at in range(0, len(records), batch)], "zstd")
    return round(packed.size_bytes / packed.records)

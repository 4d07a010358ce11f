"""What an event and a student cost as students grow in number: the pure pipeline on one core, CPU time.

The table is filled with rows of real shape before anything is timed, and batches of 2,000 events then come from random
students. An event's cost is decode, dedupe and fold; a student's is to read its row, to score it, to encode and to keep
it. They are told apart by timing the first piece of `Pipeline.process` without the rows that it loads, and the rest.
"""

import asyncio
import gc
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import median
from typing import Final, TypeVar

from streams.context import Inline, ProcessingContext
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import BATCH_RECORDS, FileRecord
from streams.rows.row_batch import RowBatch
from streams.rows.table import PartitionedRows
from streams.simulation import simulate
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.piping import patient_skills
from tests.benchmarks.recovery import template_rows
from tests.benchmarks.sizes import Sizes
from tests.events import fail_source

_T = TypeVar("_T")
NAME: Final = "cost_growth"
_FLAT: Final = Target("at most", 1.15)
_STUDENTS: Final = (2_000, 20_000, 200_000, 1_000_000)
_BATCHES: Final = 12
_WARM_UP: Final = 2
_TEMPLATES: Final = 5_000
_NOW_MS: Final = 1_900_000_000_000
_IDS: Final = re.compile(rb'"event_id":"[^"]*","student_id":"[^"]*"')
_FIRST_OFFSET: Final = 10_000_000  # above those that the rows were made with


@dataclass(slots=True)
class TimedRows:
    """A table that adds up the CPU time of loading its rows, and keeps those last loaded."""

    rows: PartitionedRows
    load_s: float = 0.0
    loaded: Sequence[bytes | None] = ()

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """See StoredRows."""
        began_s = time.process_time()
        found = self.rows.get_many(partition, keys)
        self.load_s += time.process_time() - began_s
        self.loaded = found
        return found


class TimedFolding(Inline):
    """Does each batch's work in place, adding up the CPU time of its first piece, decoding and folding.

    Rows are decoded within it, so they are decoded once more beside it: `repeated_s` is what that cost.
    """

    def __init__(self, rows: TimedRows, names: tuple[str, ...]) -> None:
        self._rows = rows
        self._names = names
        self._is_first = True
        self.fold_s = 0.0
        self.repeated_s = 0.0

    def begin(self) -> None:
        """A batch begins."""
        self._is_first = True

    async def run(self, work: Callable[[], _T]) -> _T:
        """See Executor."""
        if not self._is_first:
            return work()
        self._is_first = False
        began_s, loaded_s = time.process_time(), self._rows.load_s
        result = work()
        folded_s = time.process_time()
        RowBatch.of(self._rows.loaded, self._names)
        decode_s = time.process_time() - folded_s
        self.fold_s += folded_s - began_s - (self._rows.load_s - loaded_s) - decode_s
        self.repeated_s += decode_s
        return result


@dataclass(frozen=True, slots=True)
class Costs:
    """µs of CPU."""

    event_folded: float
    student_scored: float


class Class:
    """A table of `students` full rows, and the events of random ones of them."""

    def __init__(self, students: int) -> None:
        self._students = students
        self._rng = Random(students)
        self._offset = _FIRST_OFFSET
        self._pipeline = Pipeline(patient_skills(), load_artifact("default"), on_failure=fail_source)
        self._rows = PartitionedRows()
        timed = TimedRows(self._rows)
        self._folding = TimedFolding(timed, self._pipeline.skill_set.names)
        self._context = ProcessingContext(rows=timed, executor=self._folding)
        templates = template_rows()
        # Each a copy of its own, as a table has it: shared bytes would stay in the processor's cache.
        rows = {b"sim-%07d" % n: bytes(bytearray(templates[n % len(templates)])) for n in range(students)}
        self._rows.put_many(0, rows)

    def costs(self) -> Costs:
        """Process some batches and say what they cost."""
        for batch in self._batches(_WARM_UP):
            self._process(batch)
        made = self._batches(_BATCHES)
        self._folding.fold_s, self._folding.repeated_s = 0.0, 0.0
        gc.collect()
        began_s = time.process_time()
        scored = sum(map(self._process, made))
        all_s = time.process_time() - began_s - self._folding.repeated_s
        fold_s = self._folding.fold_s
        return Costs(fold_s / (_BATCHES * BATCH_RECORDS) * 1e6, (all_s - fold_s) / scored * 1e6)

    def _process(self, batch: list[FileRecord]) -> int:
        """Process a batch and keep its rows; how many students it scored."""
        self._folding.begin()
        result = asyncio.run(self._pipeline.process({0: batch}, self._context)).partitions[0]
        self._rows.put_many(0, result.rows)
        return len(result.updates)

    def _batches(self, count: int) -> list[list[FileRecord]]:
        return [[self._record() for _ in range(BATCH_RECORDS)] for _ in range(count)]

    def _record(self) -> FileRecord:
        before, after = self._rng.choice(_templates())
        student = b"sim-%07d" % self._rng.randrange(self._students)
        self._offset += 1
        value = b'%b"event_id":"grown-%d","student_id":"%b"%b' % (before, self._offset, student, after)
        return FileRecord(self._offset, _NOW_MS, value, key=student)


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """µs of CPU an event and a student; flat when the dearest number of students is at most 1.15 x the cheapest."""
    classes = {count: Class(count) for count in sorted({min(count, sizes.rows) for count in _STUDENTS})}
    costs: dict[int, list[Costs]] = {count: [] for count in classes}
    for number in range(1, sizes.rounds + 1):
        for count, made in classes.items():
            costs[count].append(made.costs())
        shown = ", ".join(f"{runs[-1].event_folded:.1f} + {runs[-1].student_scored:.1f}" for runs in costs.values())
        sys.stderr.write(f"  round {number} of {sizes.rounds}  µs an event + a student, by size: {shown}\n")
    return [
        *_figures(rounds, "event_folded", {n: [run.event_folded for run in runs] for n, runs in costs.items()}),
        *_figures(rounds, "student_scored", {n: [run.student_scored for run in runs] for n, runs in costs.items()}),
    ]


def _figures(rounds: Rounds, what: str, values: Mapping[int, Sequence[float]]) -> Iterator[Figure]:
    for count, found in values.items():
        yield rounds.figure(f"{NAME}.{what}.{count}", f"µs of CPU, {count:,} students", found)
    dear, cheap = (choose(values, key=lambda count: median(values[count])) for choose in (max, min))
    yield rounds.figure(
        f"{NAME}.{what}",
        f"µs of CPU, {dear:,} students",
        values[dear],
        against=f"{median(values[cheap]):.1f} at {cheap:,} students",
        ratios=[most / least for most, least in zip(values[dear], values[cheap], strict=True)],
        target=_FLAT,
    )


@cache
def _templates() -> list[tuple[bytes, bytes]]:
    """Events of all kinds without text, cut at what makes each its own: ids."""
    found = (record.value for record in simulate(1, _TEMPLATES, seed=4, faults=0.0))
    cut = [_IDS.split(value, maxsplit=1) for value in found if b'"text":' not in value]
    return [(before, after) for before, after in cut]

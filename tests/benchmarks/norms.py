"""What norms cost, in CPU time, at the bounds of a snapshot: 100,000 items and 10,000 cohorts. No broker.

A refresh is what a worker does with a snapshot that arrives: decode it, index it, swap one reference. Publishing adds
up the shards of four partitions, of whose items 10,000 are due. Rows are those of a simulated class, in 300 courses.
"""

import gc
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any, Final

import numpy as np

from streams.norms.cohorts import cohort
from streams.norms.layout import item_code
from streams.norms.publishing import NormBounds, NormTopic, publish
from streams.norms.records import COHORT_TOTALS, COMPONENT_TOTALS, ITEM
from streams.norms.row_sums import Periods, sum_rows
from streams.norms.shard import NormShard
from streams.norms.snapshot import NormSnapshot
from streams.norms.view import NormView
from streams.rows.codec import decode_row, encode_row
from streams.rows.enrolment import EnrolmentIds, enrolment_section
from streams.rows.layout import Array
from streams.rows.row_facts import RowFacts
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.recovery import template_rows
from tests.benchmarks.sizes import Sizes

NAME: Final = "norms"
_BOUNDS: Final = NormBounds()
_CHANGED: Final = 10_000
_PARTITIONS: Final = 4
_COURSES: Final = 300
_ROWS: Final = 5_000
_BATCH_ROWS: Final = 280
_DAY_US: Final = 86_400_000_000
_TOPIC: Final = NormTopic("bench", _PARTITIONS)
_UNITS: Final = {
    "refresh": ("ms of CPU, 10,000 norms changed", 1e3),
    "publish": (f"ms of CPU, {_PARTITIONS} shards", 1e3),
    "sum_rows": ("µs of CPU a row", 1e6 / _ROWS),
    "relative": (f"µs of CPU a row, {_BATCH_ROWS} at once", 1e6 / _BATCH_ROWS),
}
_TARGETS: Final = {"refresh": Target("at most", 200, of="value")}


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """CPU time of a refresh, of publishing, of sums and of features; bytes of a snapshot."""
    shards = {partition: _shard(partition) for partition in range(_PARTITIONS)}
    first = _published(None, shards)
    changed = shards | {0: _with_changed_items(shards[0])}
    stored = _published(first, changed).encode()
    works = _works(stored, first, changed)
    took_s: dict[str, list[float]] = {name: [] for name in works}
    for number in range(1, sizes.rounds + 1):
        for name, work in works.items():
            took_s[name].append(_cpu_s(work))
        sys.stderr.write(f"  round {number} of {sizes.rounds}  {NAME}\n")
    return [
        rounds.figure(f"{NAME}.snapshot", "MiB", [len(stored) / 2**20]),
        *(
            rounds.figure(
                f"{NAME}.{name}",
                _UNITS[name][0],
                [each * _UNITS[name][1] for each in seconds],
                target=_TARGETS.get(name),
            )
            for name, seconds in took_s.items()
        ),
    ]


def _works(stored: bytes, first: NormSnapshot, changed: dict[int, NormShard]) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    rows = _rows()
    batch = RowFacts.of(rows[:_BATCH_ROWS])
    periods = Periods(int(batch.headers["as_of_us"].max()), _DAY_US)
    view = NormView(first)
    return {
        "refresh": lambda: NormView(NormSnapshot.decode(stored, _TOPIC.app_id)),
        "publish": lambda: _published(first, changed).encode(),
        "sum_rows": lambda: sum_rows(rows, periods),
        "relative": lambda: view.relative(batch),
    }


def _cpu_s(work: Callable[[], object]) -> float:
    """Of doing it once, when memory has been had before."""
    work()
    gc.collect()
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


def _published(previous: NormSnapshot | None, shards: dict[int, NormShard]) -> NormSnapshot:
    snapshot = publish(previous, shards, {}, _TOPIC)
    assert snapshot is not None
    return snapshot


def _shard(partition: int) -> NormShard:
    """A shard of as many items, components and cohorts as a snapshot may have, with anything in them."""
    names = [f"item-{number}" for number in range(_BOUNDS.items)]
    courses = [f"course-{number}" for number in range(_BOUNDS.cohorts)]
    return NormShard(
        partition,
        0,
        1_000,
        _DAY_US * partition,
        _DAY_US,
        -1,
        0,
        0,
        _records(ITEM, {item_code(name): name for name in names}),
        _records(COMPONENT_TOTALS, {number: f"component-{number}" for number in range(_BOUNDS.components)}),
        _records(COHORT_TOTALS, {cohort("course", each).code: f"course:{each}" for each in courses}),
    )


def _records(kind: "np.dtype[Any]", names: dict[int, str]) -> Array:
    rng = np.random.default_rng(len(names))
    records = np.zeros(len(names), kind)
    for field in kind.names or ():
        records[field] = rng.integers(10, 1_000, records[field].shape)
    for field in ("since_us", "since", "epoch"):
        records[field] = 0
    codes = sorted(names)
    records["code"], records["name"] = codes, [names[code].encode() for code in codes]
    return records


def _with_changed_items(shard: NormShard) -> NormShard:
    items = shard.items.copy()
    items["students"][:: _BOUNDS.items // _CHANGED] += 10
    return replace(shard, offset=shard.offset + 1, items=items)


def _rows() -> Sequence[bytes]:
    """Rows of about fifty events, each of a class of 30, in a course and a school."""
    rows: list[bytes] = []
    for number, template in zip(range(_ROWS), cycle(template_rows()), strict=False):
        row = decode_row(template)
        ids = EnrolmentIds(f"course-{number % _COURSES}", f"class-{number // 30}", f"school-{number % 50}")
        row.enrolment = enrolment_section(ids)
        rows.append(encode_row(row))
    return rows

"""What it costs to know a student's last 2,000 ids: a term sent twice, and the bytes that they take."""

import asyncio
import time
from typing import Final

from streams.replay import FileRecord, Replay, batches
from streams.rows.row import KNOWN_IDS
from streams.rows.segments import is_segment
from streams.simulation import simulate
from tests.benchmarks.measure import Measure
from tests.benchmarks.piping import pipeline

_STUDENTS: Final = 20
_NOW_MS: Final = 1_900_000_000_000


def repeats() -> Measure:
    """2,000 events of each of 20 students, sent again, against their first sending; segments are read for each."""
    replay, values = Replay(pipeline()), _term()
    first_s = _feed(replay, values, 0)
    again_s = _feed(replay, values, len(values))
    assert replay.counts.duplicates >= len(values) // 2, "nothing was known again"
    return Measure(len(values) / again_s, "events/s", "the first sending", first_s / again_s)


def repeats_bytes() -> Measure:
    """Row and segments of a student with some 2,000 events, as on the changelog, against the row alone."""
    replay, values = Replay(pipeline()), _term()
    _feed(replay, values, 0)
    rows = sum(len(key) + len(row) for key, row in replay.rows.items(0))
    keys = [key for student, _ in replay.rows.items(0) for key in replay.rows.segments(0, student)]
    segments = sum(len(key) + len(replay.rows.get(0, key) or b"") for key in keys if is_segment(key))
    return Measure((rows + segments) / len(replay.rows), "bytes/student", "the row alone", (rows + segments) / rows)


def _term() -> list[bytes]:
    return [event.value for event in simulate(_STUDENTS, _STUDENTS * KNOWN_IDS, seed=1, faults=0.0)]


def _feed(replay: Replay, values: list[bytes], first_offset: int) -> float:
    records = [FileRecord(first_offset + number, _NOW_MS, value) for number, value in enumerate(values)]
    began_s = time.perf_counter()
    for batch in batches(records):
        asyncio.run(replay.feed(batch))
    return time.perf_counter() - began_s

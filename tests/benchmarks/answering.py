"""What knowledge components cost: the simulated mix with two of 20 on each attempt, against the same without."""

import asyncio
import gc
import time
from itertools import islice
from random import Random
from typing import Final

from streams.replay import FileRecord, Replay, batches
from streams.rows.components import count_of
from streams.rows.row_batch import RowBatch
from streams.simulation import simulate
from tests.benchmarks.measure import Measure
from tests.benchmarks.piping import pipeline
from tests.events import raw

_EVENTS: Final = 20_000
_COMPONENTS: Final = tuple(f"component {number:02}" for number in range(20))
_OF_AN_ITEM: Final = 8
_ATTEMPT: Final = b'"type":"attempt"'
_NOW_MS: Final = 1_900_000_000_000


def components() -> Measure:
    """The whole pipeline, of 2,000 students whose rows have 20 components already; CPU time."""
    return _against_without(2_000)


def components_attempts() -> Measure:
    """The same where every event is an attempt."""
    return _against_without(2_000, only=_ATTEMPT)


def components_many() -> Measure:
    """The same of 20,000 students: of most a row is read and written for a single event."""
    return _against_without(20_000)


def _against_without(students: int, only: bytes = b"") -> Measure:
    simulated = (record for record in simulate(students, 4 * _EVENTS, seed=1, faults=0.0) if only in record.value)
    records = list(islice(simulated, _EVENTS))
    values = [record.value for record in records]
    names = sorted({record.key.decode() for record in records})
    without_s, _ = _took_s(names, values, components=False)
    with_s, held = _took_s(names, values, components=True)
    assert held == len(names) * len(_COMPONENTS), "some students have not their 20 components"
    return Measure(_EVENTS / with_s, "events/s", "the same without components", without_s / with_s)


def _took_s(students: list[str], values: list[bytes], *, components: bool) -> tuple[float, int]:
    """The CPU seconds for all values, and how many components the rows have."""
    replay, draw = Replay(pipeline()), Random(5)
    _feed(replay, [value for student in students for value in _first_answers(student, components=components)], 0)
    if components:
        values = [_with_components(value, draw.sample(_COMPONENTS, 2)) for value in values]
    gc.disable()  # a worker looks for cycles rarely (`agents.worker.garbage_collection`)
    began_s = time.process_time()
    _feed(replay, values, len(students) * len(_COMPONENTS))
    took_s = time.process_time() - began_s
    gc.enable()
    rows = RowBatch.of([row for _, row in replay.rows.items(0)], pipeline().skill_set.names)
    return took_s, sum(map(count_of, rows.sections["components"]))


def _first_answers(student: str, *, components: bool) -> list[bytes]:
    """An answer to each component."""
    items = [_COMPONENTS[at : at + _OF_AN_ITEM] for at in range(0, len(_COMPONENTS), _OF_AN_ITEM)]
    return [
        raw("attempt", student, event_id=f"first-{number}", minute=-1e6, **({"kcs": item} if components else {}))
        for number, item in enumerate(items)
    ]


def _with_components(value: bytes, names: list[str]) -> bytes:
    if _ATTEMPT not in value:
        return value
    return b'%b,"kcs":["%b"]}' % (value[:-1], b'","'.join(name.encode() for name in names))


def _feed(replay: Replay, values: list[bytes], first_offset: int) -> None:
    records = [FileRecord(first_offset + number, _NOW_MS, value) for number, value in enumerate(values)]
    for batch in batches(records):
        asyncio.run(replay.feed(batch))

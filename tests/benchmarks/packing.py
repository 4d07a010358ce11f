"""What each codec makes of a worker's own records: bytes, and CPU time to pack and to unpack. No broker.

Rows and updates are those of a simulated class, batch by batch as a worker sends them, packed and unpacked by aiokafka.
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from agents.kafka.connection import CODECS, Compression
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.rows.segments import is_segment
from streams.simulation import simulate
from streams.skills.skills_file import load_skills
from tests.benchmarks.measure import Figure, Rounds
from tests.benchmarks.sizes import Sizes
from tests.events import fail_source

NAME: Final = "compression"
_STUDENTS: Final = 2_000
_MOST_EVENTS: Final = 100_000
_FETCH_RECORDS: Final = 5_000
_BATCH_BYTES: Final = 512 * 1024
_NOW_MS: Final = 1_900_000_000_000

Records = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Packed:
    """Bytes and CPU seconds of `records`."""

    records: int = 0
    size_bytes: int = 0
    took_s: float = 0.0


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Bytes a record, against none; CPU time of packing and unpacking one."""
    kinds = asyncio.run(_written(min(sizes.events, _MOST_EVENTS)))
    found: dict[str, list[Packed]] = {}
    for number in range(1, sizes.rounds + 1):
        for kind, batches in kinds.items():
            for codec in CODECS:
                packed = pack(batches, codec)
                found.setdefault(f"{NAME}.{kind}.{codec}", []).append(packed)
        sys.stderr.write(f"  round {number} of {sizes.rounds}  {NAME}\n")
    plain = {kind: found[f"{NAME}.{kind}.none"][0] for kind in kinds}
    return [
        rounds.figure(
            name,
            "bytes/record",
            [one.size_bytes / one.records for one in each],
            against="none",
            ratios=[one.size_bytes / plain[name.split(".")[1]].size_bytes for one in each],
            cpu_us=[one.took_s / one.records * 1e6 for one in each],
        )
        for name, each in found.items()
    ]


async def _written(events: int) -> dict[str, list[Records]]:
    """What a worker writes to its changelog and its updates' topic, a fetch at a time."""
    pipeline = Pipeline(load_skills("default"), load_artifact("default"), on_failure=fail_source)
    simulated = simulate(_STUDENTS, events, seed=3, faults=0.0)
    records = [FileRecord(offset, _NOW_MS, each.value, key=each.key) for offset, each in enumerate(simulated)]
    replay = Replay(pipeline)
    rows: list[Records] = []
    updates: list[Records] = []
    for start in range(0, len(records), _FETCH_RECORDS):
        result = await replay.feed(records[start : start + _FETCH_RECORDS])
        rows.append([(key, row) for key, row in result.rows.items() if row is not None and not is_segment(key)])
        updates.append(list(result.updates.items()))
    return {"row": rows, "update": updates}


def pack(batches: Sequence[Records], codec: Compression) -> Packed:
    """Each of `batches` packed and unpacked, in parts of at most 512 KiB."""
    packed = Packed()
    for builder in _builders(batches, codec):
        began_s = time.process_time()
        built = bytes(builder._build())
        count = sum(1 for _ in MemoryRecords(built).next_batch())
        packed.took_s += time.process_time() - began_s
        packed.size_bytes += len(built)
        packed.records += count
    return packed


def _builders(batches: Sequence[Records], codec: Compression) -> Iterator[BatchBuilder]:
    for records in batches:
        builder = BatchBuilder(_BATCH_BYTES, CODECS.index(codec))
        for key, value in records:
            while builder.append(timestamp=_NOW_MS, key=key, value=value, headers=[]) is None:
                yield builder
                builder = BatchBuilder(_BATCH_BYTES, CODECS.index(codec))
        yield builder

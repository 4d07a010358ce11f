"""What a student costs in memory, by the number of students: RSS of a fresh process, before and after they are there.

The rows are real: histories of simulated students, folded and scored by the pipeline, each row put at several stages
of its growth, so that what its former sizes leave in the allocator is counted too.

    python -m tests.benchmarks.memory STORE COUNT ROWS [BUDGET_MB]      one point, for the functions below
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from agents.stores import MemoryStore, Store
from agents.stores.store import LogRecord

BUDGET_MB: Final = 256
_SAMPLED_STUDENTS: Final = 300
_EVENTS_EACH: Final = 60
_STAGES: Final = 4
_BATCH: Final = 2_000
_PARTITIONS: Final = 4
_READS: Final = 20_000
_STEPS: Final = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_MIB: Final = 1024 * 1024
_NOW_MS: Final = 1_900_000_000_000

History = list[bytes]


def steps(most: int) -> tuple[int, ...]:
    """Numbers of students for a curve that ends at `most`."""
    return (*(step for step in _STEPS if step < most), most)


def memory_curve(students: Sequence[int]) -> list[tuple[int, float]]:
    """(students, bytes of RSS for each) in the memory store."""
    return [(count, _grown_bytes("memory", count) / count) for count in students]


def rocksdb_curve(students: Sequence[int], budget_mb: int = BUDGET_MB) -> list[tuple[int, float]]:
    """(students, MiB of RSS for all) with rows on disk and `budget_mb` for them, written, read and iterated."""
    return [(count, _grown_bytes("rocksdb", count, budget_mb) / _MIB) for count in students]


def student_rows(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and encoded rows of `count` students; many share one row."""
    histories = _histories()
    return ((_key(number), histories[number % len(histories)][-1]) for number in range(count))


def _grown_bytes(store: str, count: int, budget_mb: int = BUDGET_MB) -> float:
    with TemporaryDirectory(prefix="skillstream-memory-") as folder:
        rows = Path(folder) / "rows.msgpack"
        rows.write_bytes(msgspec.msgpack.encode(_histories()))
        command = [sys.executable, "-m", "tests.benchmarks.memory", store, str(count), str(rows), str(budget_mb)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2_000:]}")
    return float(json.loads(done.stdout)["grown_bytes"])


@cache
def _histories() -> list[History]:
    """The row of each sampled student at `_STAGES` moments of its life."""
    from streams.evidence.artifacts import load_artifact
    from streams.pipeline import Pipeline
    from streams.replay import FileRecord, Replay, batches
    from streams.simulation import simulate
    from streams.skills.skills_file import load_skills

    def fail(source: str, error: BaseException) -> None:
        raise AssertionError(source) from error

    replay = Replay(Pipeline(load_skills("default"), load_artifact("default"), on_failure=fail))
    events = _SAMPLED_STUDENTS * _EVENTS_EACH
    made = simulate(_SAMPLED_STUDENTS, events, seed=1, faults=0.0)
    records = (FileRecord(offset, _NOW_MS, record.value) for offset, record in enumerate(made))
    found: dict[bytes, History] = {}
    for batch in batches(records, events // _STAGES):
        asyncio.run(replay.feed(batch))
        for key, row in replay.rows.items(0):
            found.setdefault(key, []).append(row)
    return list(found.values())


# -- in the fresh process


class _Written:
    """A changelog record, as its writer knows it."""

    __slots__ = ("key", "value")

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key = key
        self.value = value


def main(kind: str, count: int, rows: Path, budget_mb: int) -> None:
    """Fill a store, and say how much the process grew."""
    histories = msgspec.msgpack.decode(rows.read_bytes(), type=list[History])
    with TemporaryDirectory(prefix="skillstream-memory-") as folder:
        store = _opened(kind, Path(folder), budget_mb)
        before = _rss_bytes()
        for stage in range(_STAGES):
            _put_all(store, count, histories, stage)
        assert len(store) == count
        if kind != "memory":
            _read_some(store, count)
        sys.stdout.write(json.dumps({"grown_bytes": _rss_bytes() - before}))
        store.close()


def _opened(kind: str, folder: Path, budget_mb: int) -> Store:
    if kind == "memory":
        return MemoryStore()
    from agents.stores.rocksdb import RocksRows

    return RocksRows(folder, budget_mb)


def _put_all(store: Store, count: int, histories: list[History], stage: int) -> None:
    offset = stage * count
    numbers = iter(range(count))
    while batch := list(islice(numbers, _BATCH)):
        for partition in range(_PARTITIONS):
            rows = {_key(n): _copy(histories[n % len(histories)], stage) for n in batch if n % _PARTITIONS == partition}
            ticket = store.stage(partition, rows)
            records: list[LogRecord] = [_Written(key, row) for key, row in rows.items()]
            store.confirm(partition, ticket, records, offset, offset + len(records) - 1)
        offset += len(batch)


def _read_some(store: Store, count: int) -> None:
    for n in _spread(count):
        assert store.get(n % _PARTITIONS, _key(n)) is not None
    assert sum(1 for partition in range(_PARTITIONS) for _ in store.items(partition)) == count


def _spread(count: int) -> Iterator[int]:
    return (n * 7_919 % count for n in range(min(count, _READS)))


def _key(number: int) -> bytes:
    return b"student-%07d" % number


def _copy(history: History, stage: int) -> bytes:
    """A row of one's own: the samples are shared."""
    return bytes(bytearray(history[min(stage, len(history) - 1)]))


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))

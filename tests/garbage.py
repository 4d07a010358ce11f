"""What anybody may write to a worker's internal topics, as records to send."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random
from typing import Final

import orjson

from agents.norms.snapshot_log import snapshot_records
from agents.norms.topic import NORMS_PARTITION
from streams.norms.snapshot import NormSnapshot
from tests.agents.deployment import Sent
from tests.events import raw
from tests.norms import snapshot_of

_RESULT: Final = {"version": 1, "student_id": "ada", "seq": [0, 0], "outcome": "explained", "attempts": 1, "at_us": 1}
_RESULTS: Final = (
    {"attempts": 1 << 40},
    {"not_before_us": 1 << 63},
    {"seq": [1 << 32, 0]},
    {"at_us": (1 << 63) - 2},
    {"student_id": "a" * 5_000},
)
LATE_MS: Final = 1 << 62
LARGEST_KEY_BYTES: Final = 13_000_000


def bad_results(partition: int) -> Iterator[Sent]:
    """None can be applied."""
    values = [*(orjson.dumps({**_RESULT, **change}) for change in _RESULTS), None, b"", b"\xff\xfe", b"[" * 100_000]
    for value in values:
        yield Sent(b"ada", value, partition)
        yield Sent(None, value or b"{}", partition, headers=(("dl-topic", b"\xff"), ("x" * 300, b""), ("", b"")))


def bad_requests(partition: int) -> Iterator[Sent]:
    """None forgets anybody; those of LATE_MS only where the topic takes any time."""
    for key in (b"\xff\xfe", b"k" * 257, b"\x00\xffskillstream", b"k" * LARGEST_KEY_BYTES):
        yield Sent(key, b"{}", partition)
    yield Sent(b"ada", b"{}", partition, timestamp_ms=LATE_MS)


def bad_snapshots(rng: Random, good: NormSnapshot) -> Iterator[Sent]:
    """For `norms`; none may come into force, though each has a higher number than `good`, which is in force."""
    number = good.number + 1_000
    yield from _of_norms([(b"garbage", rng.randbytes(100)), (b"garbage", None), (None, b"{}"), (b"0" * 16, b"{}")])
    yield from _of_norms(snapshot_records(snapshot_of({"item-1": {}}, number=number, app_id="another")))
    *pieces, (key, manifest) = snapshot_records(replace(good, number=number))
    for spoilt in (
        [],
        [(at, piece[: len(piece) // 2]) for at, piece in pieces],
        [(at, piece[:-1] + bytes([piece[-1] ^ 0xFF])) for at, piece in pieces],
    ):
        yield from _of_norms([*spoilt, (key, manifest)])
    yield from _of_norms([(key, orjson.dumps(orjson.loads(manifest) | {"pieces": 1 << 40})), (key, b"[" * 100_000)])


def bad_shards(rng: Random, app_id: str, partitions: int) -> Iterator[Sent]:
    """For `norm-shards`; none is the sums of a partition."""
    for partition in range(partitions):
        key = f"{app_id}/{partition}/0".encode()
        yield from _of_norms([(key, rng.randbytes(500)), (key, b""), (b"garbage", b"{}"), (key, None)])
    yield from _of_norms([(f"{app_id}/{partitions}/0".encode(), b"{}"), (f"{app_id}/0/99".encode(), b"{}")])


def items_of_their_own(count: int) -> Iterator[Sent]:
    """Answers of some students, each to an item that nobody else answers."""
    for number in range(count):
        student = f"sim-{number % 40:05d}"
        value = raw(student=student, event_id=f"garbage-{number}", item_id=f"garbage-{number}", attempt=1, score=0.5)
        yield Sent(student.encode(), value)


def _of_norms(records: Iterable[tuple[bytes | None, bytes | None]]) -> Iterator[Sent]:
    """On the partition where they are read."""
    return (Sent(key, value, NORMS_PARTITION) for key, value in records)

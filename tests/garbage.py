"""What anybody may write to a worker's internal topics, as records to send."""

from collections.abc import Iterator
from typing import Final

import orjson

from tests.agents.deployment import Sent

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

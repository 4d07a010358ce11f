"""What decoding costs, in calls and in memory, is bounded a byte of what is decoded, wherever it grows.

In seconds it is among the benchmarks (`decoding_growth`): how long something takes depends on who else is at work.
"""

import tracemalloc
from typing import Final

import pytest

from schemas.dialects import native
from schemas.dialects.record import Record
from tests.fuzz.growing import Grown, envelopes, grown_documents, headers, mere_bytes, parts, texts
from tests.fuzz.oracle import check
from tests.work import calls_of

GROWN: Final = 8_192
MAX_BYTES_A_BYTE: Final = 160  # of which orjson takes 64 for an element of two bytes, while it encodes
SLACK_BYTES: Final = 65_536
MAX_CALLS_A_BYTE: Final = 4
SLACK_CALLS: Final = 2_000


def test_a_text_wherever_it_is() -> None:
    for grown in texts():
        require_bounded(grown)


def test_parts_in_number_wherever_they_are() -> None:
    for grown in parts():
        require_bounded(grown)


@pytest.mark.parametrize("dialect", ["xapi", "caliper"])
def test_statements_and_events_in_number(dialect: str) -> None:
    for grown in envelopes(dialect):
        require_bounded(grown)


def test_headers_in_size_and_in_number() -> None:
    for grown in headers():
        require_bounded(grown)


def test_bytes_that_are_no_document() -> None:
    for grown in mere_bytes():
        require_bounded(grown)


def test_depth_wherever_it_is() -> None:
    for opening, closing, kind in ((b"[", b"]", object), (b'{"a":', b"}", dict)):
        for what, document in grown_documents(kind):
            at = document(b"0").value or b""
            before = at.count(b"[") + at.count(b"{")
            for depth in (*range(native.MAX_DEPTH - min(before, 9), native.MAX_DEPTH + 1), 10_000):
                decoded = check(document(opening * depth + b"0" + closing * depth))
            assert decoded.invalid[0].reason == "too_deep", what


def require_bounded(grown: Grown) -> None:
    what, make = grown
    large = make(GROWN)
    size_bytes = len(large.value or b"") + sum(len(name) + len(value) for name, value in large.headers)
    peak_bytes = _peak_bytes(large)
    assert peak_bytes < MAX_BYTES_A_BYTE * size_bytes + SLACK_BYTES, f"{what}: {peak_bytes} of {size_bytes} bytes"
    calls = calls_of(lambda: check(large))
    assert calls < MAX_CALLS_A_BYTE * size_bytes + SLACK_CALLS, f"{what}: {calls} calls for {size_bytes} bytes"


def _peak_bytes(one: Record) -> int:
    tracemalloc.start()
    try:
        check(one)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

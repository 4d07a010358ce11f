"""What decoding costs, in time and memory, grows no faster than what is decoded, wherever it grows."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any, Final

import orjson
import pytest

from schemas.dialects import native
from schemas.dialects.record import Record
from tests.fuzz.mutation import places
from tests.fuzz.oracle import check
from tests.fuzz.seeds import DOCUMENTS, HEADERS, record

SMALL: Final = 2_048
FACTOR: Final = 4
TRIFLING_S: Final = 0.008
MAX_GROWTH: Final = 2.5 * FACTOR
MAX_BYTES_A_BYTE: Final = 160  # of which orjson takes 64 for an element of two bytes, while it encodes
SLACK_BYTES: Final = 65_536
RUNS: Final = 5

TEXTS: Final[tuple[Callable[[int], str], ...]] = (
    lambda n: "a" * n,
    lambda n: "a" * n + ".b",
    lambda n: "1" * n + "a",
    lambda n: "%" * n,
    lambda n: "a:" * (n // 2),
    lambda n: "http://" + "/" * n,
    lambda n: "a." * (n // 2),
    lambda n: "a-" * (n // 2),
    lambda n: "a" + " " * n + "a",
    lambda n: "é" * (n // 2),
    lambda n: "P" + "1" * n,
    lambda n: "2026-03-02T12:00:00." + "0" * n + "Z",
    lambda n: "a/b" + ";a=b" * (n // 4),
    lambda n: "mailto:" + "a." * (n // 2) + "@",
)
MEMBERS: Final[tuple[Callable[[int], Any], ...]] = (
    lambda n: {f"k{number}": number for number in range(n // 10)},
    lambda n: {f"urn:k{number}": {"en": "x"} for number in range(n // 20)},
)
ELEMENTS: Final[tuple[Callable[[int], Any], ...]] = (
    lambda n: [0] * (n // 2),
    lambda n: [[]] * (n // 3),
    lambda n: [{"id": "urn:a"}] * (n // 14),
)
TOKENS: Final = (b"[", b"{", b'"', b"\\", b'"\\', b"[{", b'{"a":', b"1", b" ", b"-", b"\xff", b"[]", b"0,", b'"",')


def test_a_text_wherever_it_is() -> None:
    for what, document in grown_documents(str):
        for make in TEXTS:
            require_linear(what, partial(_grown, document, make))


def test_parts_in_number_wherever_they_are() -> None:
    for kind, shapes in ((dict, MEMBERS), (list, ELEMENTS), (str, ELEMENTS[2:])):
        for what, document in grown_documents(kind):
            for make in shapes:
                require_linear(what, partial(_grown, document, make))


@pytest.mark.parametrize("dialect", ["xapi", "caliper"])
def test_statements_and_events_in_number(dialect: str) -> None:
    for document in DOCUMENTS[dialect]:
        many = document if isinstance(document, list) else document.get("data", [document])
        envelope = document if isinstance(document, dict) and "data" in document else {}
        require_linear(dialect, partial(_repeated, many, len(orjson.dumps(many)), envelope))


def test_headers_in_size_and_in_number() -> None:
    for name, _ in HEADERS[2]:
        others = tuple(header for header in HEADERS[2] if header[0] != name)
        for make in TEXTS:
            require_linear(name, partial(_headed, name, make, others))
    require_linear("headers", lambda n: record(b"{}", (*HEADERS[2], *((f"ce_a{k}", b"x") for k in range(n // 8)))))


def test_bytes_that_are_no_document() -> None:
    for token in TOKENS:
        for prefix in (b"", b'{"a":"', b"["):
            require_linear(repr(token), partial(_tokens, prefix, token))


def test_depth_wherever_it_is() -> None:
    for opening, closing, kind in ((b"[", b"]", object), (b'{"a":', b"}", dict)):
        for what, document in grown_documents(kind):
            at = document(b"0").value or b""
            before = at.count(b"[") + at.count(b"{")
            for depth in (*range(native.MAX_DEPTH - min(before, 9), native.MAX_DEPTH + 1), 10_000):
                decoded = check(document(opening * depth + b"0" + closing * depth))
            assert decoded.invalid[0].reason == "too_deep", what


def grown_documents(kind: type) -> Iterator[tuple[str, Callable[[Any], Record]]]:
    """For each part of this kind in each document: what makes the record in which something else is in its place."""
    for dialect, documents in DOCUMENTS.items():
        for number, document in enumerate(documents):
            whole = [deepcopy(document)]
            for container, key in places(whole):
                if isinstance(part := container[key], kind):
                    container[key] = "here"
                    before, _, after = orjson.dumps(whole[0]).partition(b'"here"')
                    container[key] = part
                    yield f"{dialect} {number} at {key!r}", partial(_between, before, after)


def require_linear(what: str, make: Callable[[int], Record]) -> None:
    """Four times the size takes at most ten times as long, unless that is nothing; memory is bounded a byte."""
    small, large = make(SMALL), make(SMALL * FACTOR)
    if _seconds(large) > TRIFLING_S:
        of_large, of_small = (min(_seconds(one) for _ in range(RUNS)) for one in (large, small))
        assert of_large < max(TRIFLING_S, MAX_GROWTH * of_small), f"{what}: {of_small:.4f} s, then {of_large:.4f} s"
    size_bytes = len(large.value or b"") + sum(len(name) + len(value) for name, value in large.headers)
    peak_bytes = _peak_bytes(large)
    assert peak_bytes < MAX_BYTES_A_BYTE * size_bytes + SLACK_BYTES, f"{what}: {peak_bytes} of {size_bytes} bytes"


def _grown(document: Callable[[Any], Record], make: Callable[[int], Any], n: int) -> Record:
    return document(make(n))


def _between(before: bytes, after: bytes, part: Any) -> Record:
    return record(before + (part if isinstance(part, bytes) else orjson.dumps(part)) + after)


def _repeated(many: list[Any], size: int, envelope: dict[str, Any], n: int) -> Record:
    repeated = many * (n * 8 // size)
    return record(orjson.dumps({**envelope, "data": repeated} if envelope else repeated))


def _headed(name: str, make: Callable[[int], str], others: tuple[tuple[str, bytes], ...], n: int) -> Record:
    return record(b'{"item_id":"q1","score":1}', ((name, make(n).encode()), *others))


def _tokens(prefix: bytes, token: bytes, n: int) -> Record:
    return record(prefix + token * (n // len(token)))


def _seconds(one: Record) -> float:
    began_s = time.process_time()
    check(one)
    return time.process_time() - began_s


def _peak_bytes(one: Record) -> int:
    tracemalloc.start()
    try:
        check(one)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

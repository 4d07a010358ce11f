"""Records that grow, each way that one can: a text or parts in number wherever they are, headers, mere bytes."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any, Final

import orjson

from schemas.dialects.record import Record
from tests.fuzz.mutation import places
from tests.fuzz.seeds import DOCUMENTS, HEADERS, record

Grown = tuple[str, Callable[[int], Record]]
"""What grows, and what makes the record of about so many bytes of it."""

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


def texts() -> Iterator[Grown]:
    """A text, wherever there is one."""
    for what, document in grown_documents(str):
        for make in TEXTS:
            yield what, partial(_grown, document, make)


def parts() -> Iterator[Grown]:
    """Members and elements in number, wherever there are some, and where there is a text."""
    for kind, shapes in ((dict, MEMBERS), (list, ELEMENTS), (str, ELEMENTS[2:])):
        for what, document in grown_documents(kind):
            for make in shapes:
                yield what, partial(_grown, document, make)


def envelopes(dialect: str) -> Iterator[Grown]:
    """Statements or events in number."""
    for document in DOCUMENTS[dialect]:
        many = document if isinstance(document, list) else document.get("data", [document])
        envelope = document if isinstance(document, dict) and "data" in document else {}
        yield dialect, partial(_repeated, many, len(orjson.dumps(many)), envelope)


def headers() -> Iterator[Grown]:
    """Headers in size, and in number."""
    for name, _ in HEADERS[2]:
        others = tuple(header for header in HEADERS[2] if header[0] != name)
        for make in TEXTS:
            yield name, partial(_headed, name, make, others)
    yield "headers", lambda n: record(b"{}", (*HEADERS[2], *((f"ce_a{k}", b"x") for k in range(n // 8))))


def mere_bytes() -> Iterator[Grown]:
    """Bytes that are no document."""
    for token in TOKENS:
        for prefix in (b"", b'{"a":"', b"["):
            yield repr(token), partial(_tokens, prefix, token)


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

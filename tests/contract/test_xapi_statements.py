"""All statements of a MOOC, each with its expected outcome and why; and whatever is done to a valid one.

`golden/xapi_statements.txt` says what each comes to. The statements themselves are no part of this repository.
"""

import gzip
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects import Dialects, native
from schemas.event import Media, NativeEvent
from tests.contract.mutations import mutated, values
from tests.contract.test_xapi_kinds import OUTCOMES
from tests.contract.test_xapi_rules import ACCEPTED
from tests.contract.xapi_statements import ADL, CLASS, ID, decoded, statement
from tests.events import record
from tests.shared_data import SHARED, needs

DATA: Final = SHARED / "xapi" / "statements.jsonl.gz"
GOLDEN: Final = Path(__file__).parent / "golden" / "xapi_statements.txt"
VALID: Final = [given for given, *_ in OUTCOMES.values()] + [statement(**change) for change in ACCEPTED.values()]
COMMON: Final[list[Any]] = [
    *(ID, "urn:x" * 100, "Group", "Agent", "SubStatement", f"{ADL}voided", "2.0"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "P9" + "9" * 400 + "D", "", CLASS),
]
JSON: Final = values(COMMON, ["id", "type", "urn:x"])


def outcome(event: NativeEvent) -> str:
    name = type(event).__name__.lower()
    return f"{name} {event.action}" if isinstance(event, Media) else name


def lines() -> Iterator[bytes]:
    with gzip.open(DATA) as file:
        yield from file


@needs("xapi/statements.jsonl.gz")
def test_every_statement_comes_to_what_the_golden_file_says() -> None:
    text = [line for line in GOLDEN.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    said = {line[0]: line.split(" | ")[2] for line in text if " | " in line}
    verbs = {line[0]: line.split(" | ")[1] for line in text if " | " in line}
    statements = lines()
    dialects = Dialects()
    for row in (line.split() for line in text if " | " not in line):
        taken = list(islice(statements, len(row[2])))
        documents = [orjson.loads(line) for line in taken]
        assert digest(documents) == row[1], f"line {row[0]}: other statements than those that were judged"
        assert [document["verb"]["id"] for document in documents] == [verbs[dead_letter] for dead_letter in row[2]]
        events = [event for line in taken for event in dialects.decode(record(line.strip())).events]
        assert [outcome(event) for event in events] == [said[dead_letter] for dead_letter in row[2]], (
            f"from line {row[0]}"
        )
        assert [event.event_id for event in events] == [document["id"] for document in documents]
    assert next(statements, None) is None


def digest(documents: Sequence[dict[str, Any]]) -> str:
    return sha256("".join(document["id"] for document in documents).encode()).hexdigest()[:12]


@given(st.lists(mutated(VALID, JSON), min_size=1, max_size=3), st.sampled_from([None, b"", b"ada", b"\xff"]))
def test_a_mutated_statement_is_read_ignored_or_rejected(documents: list[Any], key: bytes | None) -> None:
    found = decoded(documents, key=key)
    for event in found.events:
        assert native.decode(native.encode(event)) == event
    for invalid in found.invalid:
        assert invalid.reason in ("xapi_invalid", "unknown_version", "absurd_time", "missing_identifier")
        assert len(invalid.error) < 400
    unread = {invalid.index for invalid in found.invalid} | {ignored.index for ignored in found.ignored}
    assert len(found.events) >= len(documents) - len(unread)

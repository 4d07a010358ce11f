"""Where a fuzzer begins: the documents of the tests, in files."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from tests.contract import (
    test_caliper_accepted,
    test_caliper_kinds,
    test_caliper_rules,
    test_cloudevents_attributes,
    test_openedx,
    test_xapi_kinds,
    test_xapi_rules,
)
from tests.contract.cloudevents import envelope
from tests.contract.xapi_statements import statement
from tests.fuzz.seeds import DOCUMENTS, HEADERS, Headers
from tests.unit.test_bad_input import TOLERATED, UNREADABLE

_LARGEST = 65_536


def write_seeds(dialect: str, folder: Path) -> int:
    """Put them into `folder`, beside what is there; how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = {*_of(dialect), *(orjson.dumps(document) for document in DOCUMENTS[dialect])}
    written = [seed for seed in seeds if len(seed) <= _LARGEST]
    for seed in written:
        (folder / sha256(seed).hexdigest()).write_bytes(seed)
    return len(written)


def _of(dialect: str) -> Iterator[bytes]:
    match dialect:
        case "native":
            yield from (value for value, _ in UNREADABLE.values() if value)
            yield from TOLERATED.values()
        case "xapi":
            changes = [*test_xapi_rules.ACCEPTED.values(), *(one for one, _ in test_xapi_rules.REJECTED.values())]
            said = [one[0] for one in test_xapi_kinds.OUTCOMES.values()]
            yield from map(orjson.dumps, [*(statement(**change) for change in changes), *said])
        case "openedx":
            yield from map(orjson.dumps, test_openedx.EVENTS.values())
        case "caliper":
            events: list[Any] = [one[0] for one in test_caliper_kinds.KIND_OF.values()]
            events += [one[0] for one in test_caliper_rules.REJECTED.values()]
            events += [*test_caliper_accepted.ACCEPTED.values()]
            yield from map(orjson.dumps, events)
        case _:
            changed = [
                *test_cloudevents_attributes.VALID_ATTRIBUTES.values(),
                *(one[0] for one in test_cloudevents_attributes.INVALID.values()),
            ]
            yield from (orjson.dumps(envelope(**change)) for change in changed)
            yield from (_with(headers) for headers in HEADERS if headers)


def _with(headers: Headers) -> bytes:
    lines = b"\n".join(name.encode() + b": " + value for name, value in headers)
    return lines + b'\n\n{"item_id":"q1","score":0.5}'

"""Decoded, validated and mapped to native events, on one core, in CPU time: what each dialect costs. No broker.

Statements and events are those of `../shared/data` where it is there, else those that the tests are made of. There are
few examples of Caliper, so they are sent anew for one student after the other.
"""

import gzip
import re
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import count, cycle, islice
from pathlib import Path
from typing import Final

import orjson

from agents.worker.garbage_collection import collect_rarely
from schemas.dialects import decode
from schemas.dialects.record import Record
from streams.replay import FileRecord
from streams.simulation import simulate
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.sizes import Sizes
from tests.fuzz.seeds import DOCUMENTS
from tests.shared_data import SHARED

NAME: Final = "decoding"
_STATEMENTS: Final = SHARED / "xapi" / "statements.jsonl.gz"
_EXAMPLES: Final = SHARED / "caliper_v1p1"
_EVENTS: Final = 20_000
_OF_AN_ENVELOPE: Final = 5
_STUDENTS: Final = 1_000
_THEIRS: Final = {
    rb"/(users|sessions|rosters)/": rb"/\1/%d-",
    rb"urn:uuid:[0-9a-f]{8}": b"urn:uuid:%08x",
    rb"\.000Z": b".%03dZ",
}
_NOW_MS: Final = 1_900_000_000_000
_ENVELOPE: Final = (
    b'{"sensor":"https://example.edu/sensors/1","sendTime":"2016-11-15T11:05:01.000Z",'
    b'"dataVersion":"http://purl.imsglobal.org/ctx/caliper/%b","data":[%b]}'
)
_TARGETS: Final = {"native": 50_000, "xapi": 25_000, "caliper": 25_000}


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Events a second, against parsing the same bytes with orjson; each statement or event of a record counts."""
    records = {
        "native": _records(one.value for one in simulate(2_000, _EVENTS, seed=1, faults=0.0)),
        "xapi": _records(_xapi()),
        "caliper": _records(_caliper()),
    }
    collect_rarely()  # as a worker does
    rates: dict[str, list[float]] = {dialect: [] for dialect in records}
    ratios: dict[str, list[float]] = {dialect: [] for dialect in records}
    for number in range(1, sizes.rounds + 1):
        for dialect, of_it in records.items():
            base_s, (took_s, events) = _parsing_s(of_it), _decoding_s(of_it)
            rates[dialect].append(events / took_s)
            ratios[dialect].append(base_s / took_s)
            sys.stderr.write(f"  round {number} of {sizes.rounds}  {NAME} {dialect:12} {events / took_s:11,.0f}\n")
    return [
        rounds.figure(
            f"{NAME}.{dialect}",
            "events/s",
            rates[dialect],
            against="orjson.loads alone",
            ratios=ratios[dialect],
            target=Target("at least", bound, of="value"),
        )
        for dialect, bound in _TARGETS.items()
    ]


def _records(values: Iterable[bytes]) -> list[Record]:
    """So many records, the values over and over: parsed documents are not kept, so that each is read anew."""
    return [FileRecord(offset, _NOW_MS, value) for offset, value in enumerate(islice(cycle(values), _EVENTS))]


def _decoding_s(records: list[Record]) -> tuple[float, int]:
    """Seconds of CPU, and how many events and statements there were."""
    events = 0
    began_s = time.process_time()
    for record in records:
        decoded = decode(record)
        events += len(decoded.events) + len(decoded.ignored) + len(decoded.invalid)
    return time.process_time() - began_s, events


def _parsing_s(records: list[Record]) -> float:
    began_s = time.process_time()
    for record in records:
        orjson.loads(record.value or b"")
    return time.process_time() - began_s


def _xapi() -> list[bytes]:
    if _STATEMENTS.exists():
        with gzip.open(_STATEMENTS) as lines:
            return [value for line in lines if (value := line.strip()) and _is_good(value)]
    return _ours("xapi")


def _caliper() -> Iterable[bytes]:
    if _EXAMPLES.is_dir():
        examples = [_compact(path) for path in sorted(_EXAMPLES.glob("caliperEvent*.json"))]
        return _of_students([value for value in examples if _is_good(value)])
    return _ours("caliper")


def _of_students(events: list[bytes]) -> Iterator[bytes]:
    """Without end, the events of one student after the other; by turns alone or in envelopes, and of 1.1 or of 1.2."""
    for turn in count():
        version = b"v1p2" if turn & 2 else b"v1p1"
        theirs = [_of_student(value, turn % _STUDENTS, version) for value in events]
        if turn & 1:
            for first in range(0, len(theirs), _OF_AN_ENVELOPE):
                yield _ENVELOPE % (version, b",".join(theirs[first : first + _OF_AN_ENVELOPE]))
        else:
            yield from theirs


def _of_student(value: bytes, student: int, version: bytes) -> bytes:
    """With their number in names, ids and times, so that what was remembered of others is of no use."""
    for pattern, theirs in _THEIRS.items():
        value = re.sub(pattern, theirs % student, value)
    return value.replace(b"caliper/v1p1", b"caliper/" + version)


def _ours(dialect: str) -> list[bytes]:
    sys.stderr.write(f"  {dialect}: no ../shared/data here, so of the tests' own\n")
    return [orjson.dumps(document) for document in DOCUMENTS[dialect]]


def _compact(path: Path) -> bytes:
    """As a sensor sends it: without the file's indentation."""
    return orjson.dumps(orjson.loads(path.read_bytes()))


def _is_good(value: bytes) -> bool:
    """Whether all of it is an event that is mapped or known to be of no use."""
    decoded = decode(FileRecord(0, _NOW_MS, value))
    return bool(decoded.events) and not decoded.invalid

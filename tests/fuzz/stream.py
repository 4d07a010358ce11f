"""A worker's step under a stream of records that nobody would send: none ends it, and none is lost in silence.

python -m tests.fuzz.stream --records 1000000 [--seed 1]

Records of all three topics that a worker reads: documents of every dialect, mutated; results and requests to forget,
mutated; bytes at random; with keys, headers, times and places of every kind. Each batch is accounted for: records in
are records taken, events in are applied, ignored, repeats or dead letters, and every dead letter holds its record's
bytes. That a decoder failed is no outcome.
"""

import argparse
import sys
import time
from collections import Counter
from random import Random
from typing import Any, Final

import msgspec
import orjson

from schemas.dead_letter import from_headers
from schemas.dead_letter_packing import unpack
from streams.replay import FileRecord
from streams.rows.codec import decode_row
from tests.events import NOW_MS, NOW_US, fields
from tests.fuzz.mutation import ODD, mutated
from tests.fuzz.seeds import DOCUMENTS, HEADERS
from tests.stepped import CHANNELS, PARTITIONS, Stepped, owning_partition

_BATCH: Final = 500
_TOPICS: Final = (CHANNELS.activity,) * 8 + (CHANNELS.results, CHANNELS.erasures)
_RESULT: Final = {
    "version": 1,
    "student_id": "ada",
    "seq": [0, 0],
    "outcome": "explained",
    "attempts": 1,
    "at_us": NOW_US,
    "not_before_us": NOW_US,
}
_KINDS: Final = ("attempt", "message", "control", "submission", "rubric", "navigation", "session", "hint")
_KEYS: Final = (None, b"", b"ada", b"bob", b"\xff\xfe", b"\x00\xffskillstream", b"k" * 300, "é".encode() * 128)
_TIMES_MS: Final = (NOW_MS, NOW_MS + 60_000, -1, 0, 1 << 62, (1 << 63) - 1, -(1 << 63), 631_152_000_000)
_ORIGINS: Final = (b"student-activity/1/5/0", b"/", b"x/999999999/999999999999999999/999999999", b"\xff")


class Accounting:
    """Feeds batches, and raises AssertionError where something is not accounted for."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._documents = [document for documents in DOCUMENTS.values() for document in documents]
        self._stepped = Stepped()
        self._offsets: Counter[tuple[str, int]] = Counter()
        self.records: Counter[str] = Counter()
        self.dead_letters = 0

    def feed(self, count: int) -> None:
        """One batch of `count` records of one partition of a topic."""
        topic, partition = self._rng.choice(_TOPICS), self._rng.randrange(PARTITIONS)
        first = self._offsets[topic, partition]
        records = [self._record(topic, partition, first + number) for number in range(count)]
        self._offsets[topic, partition] += count
        stepped = self._stepped
        before, internal = stepped.counts.records_in, stepped.internal.total()
        dead_before = stepped.counts.dead_lettered + self._internal_dead()
        result = stepped.take(topic, partition, records)
        taken = stepped.counts.records_in - before + stepped.internal.total() - internal
        _require(taken == count, f"{count} records of {topic}, {taken} were taken")
        counts = stepped.counts
        events = counts.applied + counts.ignored + counts.duplicates + counts.dead_lettered
        _require(counts.events_in == events, f"{counts.events_in} events in, {events} have an outcome")
        _require(not counts.reasons["decoder_failed"], f"a decoder failed on one of {[one.value for one in records]}")
        dead_letters = [one for one in result.outputs if one.topic == CHANNELS.dead_letters]
        dead = counts.dead_lettered + self._internal_dead() - dead_before
        _require(len(dead_letters) == dead, f"{dead} dead letters were counted, {len(dead_letters)} are there")
        for one in dead_letters:
            dead_letter = from_headers(one.headers)
            original = records[dead_letter.offset - first]
            kept = unpack(dead_letter, one.key, one.value)
            _require(kept == (original.key, original.value), "a dead letter has not the bytes of its record")
        for row in result.rows.values():
            _require(row is not None, "a row was deleted")
        for key in list(result.rows)[:20]:
            if owning_partition(key) == partition and not key.startswith(b"\x00\xff"):
                decode_row(result.rows[key] or b"")
        self.records[topic] += count
        self.dead_letters += len(dead_letters)

    @property
    def outcomes(self) -> dict[str, int]:
        """What all came to."""
        counts = self._stepped.counts
        names = ("events_in", "applied", "late", "ignored", "duplicates", "dead_lettered", "rerouted", "replayed")
        return {name: getattr(counts, name) for name in names} | dict(self._stepped.internal)

    def _internal_dead(self) -> int:
        return sum(count for name, count in self._stepped.internal.items() if name.endswith("dead_lettered"))

    def _record(self, topic: str, partition: int, offset: int) -> FileRecord:
        rng = self._rng
        headers: tuple[tuple[str, bytes], ...] = ()
        if topic == CHANNELS.activity and rng.random() < 0.2:
            headers = rng.choice((*HEADERS, (("skillstream-origin", rng.choice(_ORIGINS)),), (("dl-topic", b"\xff"),)))
        time_ms = NOW_MS + offset if rng.random() < 0.8 else rng.choice(_TIMES_MS)
        return FileRecord(offset, time_ms, self._value(topic), topic, partition, rng.choice(_KEYS), headers)

    def _value(self, topic: str) -> bytes | None:
        rng = self._rng
        match rng.randrange(10):
            case 0:
                return rng.choice((None, b"", b"null", b"[]", b"[" * 300, b"\xef\xbb\xbf{}", rng.randbytes(30)))
            case 1:
                return _torn(self._document(topic), rng)
            case 2 | 3 | 4 if topic == CHANNELS.activity:
                return _json(self._event())
            case _:
                return _json(mutated(self._document(topic), (*self._documents, ODD), rng))

    def _document(self, topic: str) -> Any:
        return _RESULT if topic == CHANNELS.results else self._rng.choice(self._documents)

    def _event(self) -> dict[str, Any]:
        """A good one, of one of some students; ids come again."""
        rng = self._rng
        student, kind = f"s{rng.randrange(500)}", rng.choice((*_KINDS, "voided"))
        names: dict[str, Any] = {"event_id": f"e{rng.randrange(5_000)}", "minute": rng.randrange(100_000)}
        names["voidable"] = rng.random() < 0.3
        if kind == "voided":
            names = {"event_id": f"v{rng.randrange(5_000)}", "voided_id": f"e{rng.randrange(5_000)}"}
        return fields(kind, student, **names)


def _json(document: Any) -> bytes:
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError:  # a number that it does not write
        return msgspec.json.encode(document)


def _torn(document: Any, rng: Random) -> bytes:
    whole = _json(document)
    at = rng.randrange(len(whole))
    return rng.choice((whole[:at], whole[at:], whole[:at] + rng.randbytes(2) + whole[at + 2 :], whole * 2))


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def main(arguments: list[str]) -> int:
    """Exit code 1 where a record ended the step, or was not accounted for; the seed says which."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.stream")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20_261)
    given = parser.parse_args(arguments)
    accounting, began_s = Accounting(given.seed), time.monotonic()
    done = 0
    while done < given.records:
        accounting.feed(min(_BATCH, given.records - done))
        done = accounting.records.total()
    took_s = time.monotonic() - began_s
    said = {"records": done, "letters": accounting.dead_letters, **accounting.outcomes, "seconds": round(took_s, 1)}
    sys.stdout.write(orjson.dumps({"seed": given.seed, **said}).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

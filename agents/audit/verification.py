"""Is the audit trail whole? Each writer's chain is followed, in the order of offsets. Pure; some 30 bytes a record.

What each fault is:

    forged      no key of the deployment has signed it: changed after it was written, or written by somebody else
    unreadable  it is no record of the audit trail
    changed     it does not follow from the record before it: one of the two is another than was written
    missing     records before it are not there
    reordered   it comes behind records that were written after it
    inserted    its place in the chain is taken by another

The end of a chain that was cut off is not missed by the chain itself. It is by a later writer, who has seen it, and by
an operator who kept the newest record's offset and hash.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from msgspec import UNSET

from schemas.audit import NO_RECORD, AuditRecord, NewestRecord, read_audit_record
from schemas.errors import InvalidInput

FaultKind = Literal["forged", "unreadable", "changed", "missing", "reordered", "inserted"]
_MOST_MISSING: Final = 100_000
"""A record that is further ahead is taken for no part of the chain."""
_UNKNOWN: Final = 0


@dataclass(frozen=True, slots=True)
class ChainFault:
    """What is wrong at an offset; `writer` is empty where it is no writer's."""

    offset: int
    kind: FaultKind
    what: str
    writer: str = ""


@dataclass(frozen=True, slots=True)
class StoredAudit:
    """A record as it is on the topic; `is_signed` is None where nobody can tell."""

    offset: int
    key: bytes | None
    value: bytes | None
    is_signed: bool | None = None


@dataclass(slots=True)
class FollowedChain:
    """One writer's chain as far as it was followed. `digests` are by sequence, 0 where there is no record."""

    writer: str
    first: int
    began: datetime
    ended: datetime
    records: int = 0
    faults: int = 0
    last: int = -1
    previous: str = NO_RECORD
    digests: "array[int]" = field(default_factory=lambda: array("Q"))


class ChainVerification:
    """Add all records, then see the `chains`. `first_offset` is where the topic begins."""

    def __init__(self, first_offset: int = 0) -> None:
        self._first_offset = first_offset
        self._offsets, self._digests = array("q"), array("Q")
        self.chains: dict[str, FollowedChain] = {}
        self.newest: NewestRecord | None = None
        self.records = 0

    def begin(self) -> Iterator[ChainFault]:
        """What is wrong before the first record."""
        if self._first_offset > 0:
            said = f"the topic begins at offset {self._first_offset}: what was before is not there"
            yield ChainFault(self._first_offset, "missing", said)

    def add(self, stored: StoredAudit) -> Iterator[ChainFault]:
        """What is wrong with the next record."""
        digest = sha256(stored.value or b"").hexdigest()
        self.records += 1
        self._offsets.append(stored.offset)
        self._digests.append(_short(digest))
        self.newest = NewestRecord(stored.offset, digest)
        if stored.is_signed is False:
            said = "no key of this deployment has signed it: it was changed, or somebody else has written it"
            yield ChainFault(stored.offset, "forged", said)
            return
        try:
            record = read_audit_record(stored.value or b"")
        except InvalidInput as error:
            yield ChainFault(stored.offset, "unreadable", str(error))
            return
        if stored.key != record.writer.encode():
            yield ChainFault(stored.offset, "changed", "its key is not its writer", record.writer)
        for fault in self._follow(stored.offset, record, digest):
            self.chains[record.writer].faults += 1
            yield fault

    def has(self, known: NewestRecord) -> bool:
        """Whether the topic has this record."""
        at = bisect_left(self._offsets, known.offset)
        found = at < len(self._offsets) and self._offsets[at] == known.offset
        return found and self._digests[at] == _short(known.sha256)

    def _follow(self, offset: int, record: AuditRecord, digest: str) -> Iterator[ChainFault]:
        chain = self.chains.get(record.writer)
        if chain is None:
            chain = self.chains[record.writer] = FollowedChain(record.writer, record.sequence, record.at, record.at)
            chain.last = record.sequence - 1
            yield from self._begun(offset, record)
        elif record.sequence <= chain.last:
            yield from _behind(chain, offset, record, digest)
            return
        elif record.sequence > chain.last + _MOST_MISSING:
            said = f"record {record.sequence} follows record {chain.last}: it is no part of the chain"
            yield ChainFault(offset, "inserted", said, record.writer)
            return
        elif record.sequence > chain.last + 1:
            gone = _numbers(chain.last + 1, record.sequence - 1)
            yield ChainFault(offset, "missing", f"{gone} not there before record {record.sequence}", record.writer)
        elif record.previous != chain.previous:
            said = f"record {record.sequence} does not follow from record {chain.last}: one of them was changed"
            yield ChainFault(offset, "changed", said, record.writer)
        chain.digests.extend([_UNKNOWN] * (record.sequence - chain.last - 1))
        chain.digests.append(_short(digest))
        chain.records += 1
        chain.last, chain.previous, chain.ended = record.sequence, digest, record.at

    def _begun(self, offset: int, record: AuditRecord) -> Iterator[ChainFault]:
        writer = record.writer
        if record.sequence > 0:
            said = f"{_numbers(0, record.sequence - 1)} not there: the chain begins with record {record.sequence}"
            yield ChainFault(offset, "missing", said, writer)
        elif record.previous != NO_RECORD:
            yield ChainFault(offset, "changed", "the first record of a chain follows from another", writer)
        seen = record.newest
        if seen is not UNSET and not self.has(seen):
            said = f"this writer saw a record at offset {seen.offset} that is not there any more, or is another"
            yield ChainFault(offset, "missing", said, writer)


def _behind(chain: FollowedChain, offset: int, record: AuditRecord, digest: str) -> Iterator[ChainFault]:
    """A record whose sequence is not the next: one that is there already, the same, is no fault."""
    at = record.sequence - chain.first
    known = chain.digests[at] if at >= 0 else _UNKNOWN
    if known == _short(digest):
        return
    if known != _UNKNOWN:
        said = f"there is another record {record.sequence} before it"
        yield ChainFault(offset, "inserted", said, record.writer)
        return
    said = f"record {record.sequence} comes behind record {chain.last}"
    yield ChainFault(offset, "reordered", said, record.writer)
    if at >= 0:
        chain.digests[at] = _short(digest)
        chain.records += 1


def _short(digest: str) -> int:
    """Its first 8 bytes: enough to tell records apart that nobody made for it."""
    return int(digest[:16], 16)


def _numbers(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"

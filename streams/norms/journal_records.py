"""A journal's records in bytes (little-endian): its entries, and its pages of sums.

version (4) | CRC-32 of what follows (4) | header | records | items and courses | lengths of names | names

entry     FIRST_ANSWER records, then the items and courses that had no name before, each with its name
page      ITEM_SUMS records, then a name for each, empty where there is none; no items and courses
"""

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np

from schemas.errors import Fatal
from streams.norms.cohorts import cut_name
from streams.norms.first_answers import NamedItem
from streams.norms.item_sums import ITEM_NAME, ItemSums
from streams.norms.journal_entry import JournalEntry
from streams.norms.layout import FIRST_ANSWER, ITEM_SUMS
from streams.rows.layout import Array

JOURNAL_VERSION: Final = 1
"""One more when anything here changes, or the layout of a record."""
_FRAME: Final = struct.Struct("<II")
_HEADER: Final = struct.Struct("<IqqqqqIII")
_BEGIN: Final = _FRAME.size + _HEADER.size
_NAMED: Final = np.dtype([("item", "<u8"), ("course", "<u4"), ("component", "<u4")])
NAMED_BYTES: Final = _NAMED.itemsize + 1
"""Of an item and course in an entry, without its name."""
_NO_NAMED: Final = np.empty(0, _NAMED)


class JournalDamaged(Fatal):
    """A journal cannot be read, or is not all there: going on would falsify its sums."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the journal of norms cannot be read: {problem}. What to do: fold some records of each partition with "
            "SKILLSTREAM_NORMS=off, then switch norms on again: their sums begin anew"
        )


class JournalHeader(NamedTuple):
    """What every record begins with. `begin` is the offset after which answers are counted, under `epoch`, `since_s`
    the records' time of the first entry. A page includes all entries up to `number`, and displaced or refused items
    `given_up` times; an entry is of `time_s`. Each of these two is 0 in the other.
    """

    epoch: int
    begin: int
    since_s: int
    number: int
    time_s: int = 0
    given_up: int = 0


class JournalRecord(NamedTuple):
    """A record apart: how many records, items and courses, and names its `body` has, in this order."""

    header: JournalHeader
    records: int
    named: int
    names: int
    body: bytes


def entry_value(header: JournalHeader, entry: JournalEntry) -> bytes:
    """The entry as a record's value."""
    named = np.array([each[:3] for each in entry.named], _NAMED) if entry.named else _NO_NAMED
    return _encoded(header, entry.answers, named, [cut_name(each.name.encode()) for each in entry.named])


def page_value(header: JournalHeader, sums: ItemSums) -> bytes:
    """The sums of a page as a record's value."""
    return _encoded(header, sums.records, _NO_NAMED, sums.names.tolist())


def decode_record(value: bytes) -> JournalRecord:
    """Take a record's value apart. Raises JournalDamaged."""
    if len(value) < _BEGIN:
        raise JournalDamaged("a record is cut off")
    version, checksum = _FRAME.unpack_from(value)
    if version != JOURNAL_VERSION:
        raise JournalDamaged(f"a record has version {version}, this program reads version {JOURNAL_VERSION}")
    if crc32(value[_FRAME.size :]) != checksum:
        raise JournalDamaged("a record is not the one that its checksum was made of")
    *header, records, named, names = _HEADER.unpack_from(value, _FRAME.size)
    return JournalRecord(JournalHeader(*header), records, named, names, value[_BEGIN:])


def entry_of(record: JournalRecord) -> JournalEntry:
    """The entry that a record is. Raises JournalDamaged."""
    answers, named, names = _contents(record, FIRST_ANSWER)
    items = [
        NamedItem(item, course, component, name.decode())
        for (item, course, component), name in zip(named.tolist(), names, strict=True)
    ]
    return JournalEntry(record.header.time_s, answers, items)


def sums_of_page(record: JournalRecord) -> ItemSums:
    """The sums of the page that a record is. Raises JournalDamaged."""
    records, _, names = _contents(record, ITEM_SUMS)
    return ItemSums(records, np.array(names, ITEM_NAME))


def _encoded(header: JournalHeader, records: Array, named: Array, names: Sequence[bytes]) -> bytes:
    counts = len(records), len(named), len(names)
    contents = records.tobytes(), named.tobytes(), bytes(map(len, names)), *names
    behind = b"".join((_HEADER.pack(*header, *counts), *contents))
    return _FRAME.pack(JOURNAL_VERSION, crc32(behind)) + behind


def _contents(record: JournalRecord, kind: "np.dtype[np.void]") -> tuple[Array, Array, list[bytes]]:
    """The records, the items and courses, and the names."""
    body, named_at = record.body, record.records * kind.itemsize
    lengths_at = named_at + record.named * _NAMED.itemsize
    names_at = lengths_at + record.names
    lengths = body[lengths_at:names_at]
    if names_at + sum(lengths) != len(body):
        raise JournalDamaged("a record is not as long as it says")
    records = np.frombuffer(body, kind, record.records)
    named = np.frombuffer(body, _NAMED, record.named, named_at)
    ends = accumulate(lengths, initial=names_at)
    return records, named, [body[start:end] for start, end in pairwise(ends)]

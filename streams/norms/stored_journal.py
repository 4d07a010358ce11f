"""Which records of a partition's changelog are its journal's: those of the newest journal, and all of them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from streams.input.checkpoint import InputCheckpoint
from streams.norms.journal_keys import PAGES, SLOTS, entry_key, page_key
from streams.norms.journal_records import JournalDamaged, JournalHeader, JournalRecord, decode_record


class StoredJournal(NamedTuple):
    """Pages and entries by number; `last` is the header of the newest entry."""

    last: JournalHeader
    pages: Mapping[int, JournalRecord]
    entries: Mapping[int, JournalRecord]


def find_records(held: Mapping[bytes, bytes], checkpoint: InputCheckpoint | None, epoch: int) -> StoredJournal | None:
    """The records of the journal in force; None where one is to begin behind the checkpoint, under `epoch`.

    A checkpoint without a number was written by a worker that keeps no journal. One that began before it lacks
    answers, and is not read; one that began at it was begun by the step behind it. Raises JournalDamaged.
    """
    if checkpoint is None or checkpoint.norms >= 0:
        journal = _newest(dict(_decoded(held)))
        found = -1 if journal is None else journal.last.number
        if checkpoint is not None and found < checkpoint.norms:
            raise JournalDamaged(f"its last entry is {found}, the checkpoint knows of {checkpoint.norms}")
        return journal
    readable = dict(_decoded(held, readable=True))
    return _newest({key: each for key, each in readable.items() if _began(each) >= (epoch, checkpoint.offset)})


def _decoded(held: Mapping[bytes, bytes], *, readable: bool = False) -> Iterator[tuple[bytes, JournalRecord]]:
    """The records by key; `readable` passes over those that are damaged."""
    for key, value in held.items():
        try:
            yield key, decode_record(value)
        except JournalDamaged:
            if not readable:
                raise


def _newest(records: Mapping[bytes, JournalRecord]) -> StoredJournal | None:
    """The newest of the journals that these are of, if any."""
    if not records:
        return None
    newest = max(map(_began, records.values()))
    current = {key: record for key, record in records.items() if _began(record) == newest}
    pages = {page: current.pop(page_key(page)) for page in range(PAGES) if page_key(page) in current}
    entries = {record.header.number: record for record in current.values()}
    last = max(entries, default=-1)
    if sorted(entries) != list(range(max(0, last + 1 - SLOTS), last + 1)) or last < 0:
        raise JournalDamaged(f"of its entries up to {last} some are missing")
    if any(current.get(entry_key(number)) is not record for number, record in entries.items()):
        raise JournalDamaged("an entry is in another's place")
    if any(page.header.number > last for page in pages.values()):
        raise JournalDamaged(f"a page includes more than the {last + 1} entries that there are")
    return StoredJournal(entries[last].header, pages, entries)


def _began(record: JournalRecord) -> tuple[int, int]:
    """Where a record's journal began: the greatest is in force."""
    return record.header.epoch, record.header.begin

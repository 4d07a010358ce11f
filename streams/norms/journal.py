"""What a partition's step appends to the changelog: rows in groups, each closed over the first answers of its own rows,
so that at any cut of the log the sums are those of the rows before it.

    group      row row row … | entry n, with their answers | every PAGE_EVERY entries a page, if it changed

Entry n is written over entry n - SLOTS, and by then each page was written since that one: no answer is lost. Loaded are
the pages, then the entries in their order, each for the items whose page does not include it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from streams.input.checkpoint import InputCheckpoint
from streams.norms.bounded_sums import BoundedSums
from streams.norms.cohorts import SHOWN_BYTES
from streams.norms.first_answers import AnswersOfRows, NamedItem
from streams.norms.item_sums import ItemSums
from streams.norms.journal_entry import JournalEntry
from streams.norms.journal_keys import PAGES, SLOTS, entry_key, page_key
from streams.norms.journal_records import JournalHeader, entry_of, entry_value, page_value, sums_of_page
from streams.norms.layout import ITEM_SUMS
from streams.norms.row_groups import MOST_NAMED, AnsweredRows, bytes_of
from streams.norms.stored_journal import StoredJournal, find_records
from streams.rows.layout import Array

PAGE_EVERY: Final = SLOTS // PAGES
GROUP_BYTES: Final = 448 * 1024
"""Of rows, answers and names in one group; the rest of a record batch's 512 KiB is for what encloses them."""
_LEAST_ROW_BYTES: Final = 128 * 1024
_MOST_ITEM_BYTES: Final = ITEM_SUMS.itemsize + SHOWN_BYTES + 1
_MOST_REMEMBERED: Final = 16_384
"""Items and courses that are known to have names, so that the sums need not be searched for them."""


class RowGroup(NamedTuple):
    """One record batch: the next `rows` of a step's, in order, and the journal's `records` that close them."""

    rows: int
    records: Mapping[bytes, bytes]


class Journaled(NamedTuple):
    """A step's rows in groups, and the number of the last entry as of it. No groups: nothing was answered."""

    groups: Sequence[RowGroup]
    number: int

    @property
    def size_bytes(self) -> int:
        """How much the journal's records take on the changelog, with their keys."""
        return sum(len(key) + len(value) for group in self.groups for key, value in group.records.items())


class NormJournal:
    """The sums over first answers of one partition. `number` is that of its last entry, -1 before the first; answers
    count from the offset after `begin` on, of `epoch`, since the records' time `since_s`. Not thread-safe.

    Entries are added to the sums when a page is due: always the same ones at once, however often a worker restarts.
    """

    def __init__(self, epoch: int, begin: int, most_items: int) -> None:
        """A journal without entries."""
        self.epoch = epoch
        self.begin = begin
        self.since_s = 0
        self.number = -1
        self._bounded = BoundedSums(most_items)
        self._changed: Array = np.zeros(PAGES, bool)
        self._pending: list[JournalEntry] = []
        self._named: set[tuple[int, int]] = set()

    @classmethod
    def restore(
        cls, held: Mapping[bytes, bytes], checkpoint: InputCheckpoint | None, epoch: int, most_items: int
    ) -> Self:
        """The journal whose records on the changelog are these, by key; where a worker without one folded meanwhile,
        one that begins behind the checkpoint, under `epoch`. Raises JournalDamaged.
        """
        records = find_records(held, checkpoint, epoch)
        if records is None:
            return cls(epoch, -1 if checkpoint is None else checkpoint.offset, most_items)
        journal = cls(records.last.epoch, records.last.begin, most_items)
        journal._load(records)
        return journal

    @property
    def given_up(self) -> int:
        """How often an item was displaced or not counted for want of room, with all entries."""
        return int(self.counted().given_up.sum())

    def sums(self) -> ItemSums:
        """A copy of the sums, with all entries."""
        return self.counted().sums

    def counted(self) -> BoundedSums:
        """A copy of all that was counted, with all entries."""
        bounded = self._bounded.copy()
        if self._pending:
            bounded.add(self._pending)
        return bounded

    def group(self, rows: Mapping[bytes, bytes | None], answers: AnswersOfRows, time_s: int) -> Journaled:
        """Cut a step's rows into groups, in their order; the first step of all has an entry, whatever was answered.

        `time_s` is the records' time. Raises ValueError for answers of none of the rows.
        """
        if not answers and self.number >= 0:
            return Journaled((), self.number)
        if not answers.of.keys() <= rows.keys():
            raise ValueError("first answers of students whose rows are not to be stored")
        unnamed = self._unnamed(answers.items)
        if bytes_of(rows, answers, unnamed) <= self._most_row_bytes():
            entry = JournalEntry(time_s, answers.answers, unnamed[:MOST_NAMED])
            return Journaled([RowGroup(len(rows), self._records(entry))], self.number)
        answered = AnsweredRows.of(rows, answers, unnamed)
        groups: list[RowGroup] = []
        start = 0
        while start < len(answered):
            end = answered.end(start, self._most_row_bytes())
            groups.append(RowGroup(end - start, self._records(answered.entry(start, end, time_s))))
            start = end
        return Journaled(groups, self.number)

    def _records(self, entry: JournalEntry) -> dict[bytes, bytes]:
        """Append an entry, if there is anything to say; return what is to be stored with its rows."""
        if not len(entry.answers) and self.number >= 0:
            return {}
        if self.number < 0:
            self.since_s = entry.time_s
        self.number += 1
        self._pending.append(entry)
        self._named.update(each[:2] for each in entry.named)
        return {entry_key(self.number): entry_value(self._header(time_s=entry.time_s), entry), **self._page_due()}

    def _page_due(self) -> dict[bytes, bytes]:
        """The page whose turn it is with the last entry, if it changed."""
        turn, off_turn = divmod(self.number, PAGE_EVERY)
        if off_turn:
            return {}
        self._add_pending()
        page = turn % PAGES
        if not self._changed[page]:
            return {}
        self._changed[page] = False
        header = self._header(given_up=int(self._bounded.given_up[page]))
        return {page_key(page): page_value(header, self._bounded.page(page))}

    def _most_row_bytes(self) -> int:
        """How much of rows and answers a group takes: less where a page goes with it."""
        turn, off_turn = divmod(self.number + 1, PAGE_EVERY)
        if off_turn:
            return GROUP_BYTES
        on_page = int(np.count_nonzero(self._bounded.sums.items % PAGES == turn % PAGES))
        return max(_LEAST_ROW_BYTES, GROUP_BYTES - on_page * _MOST_ITEM_BYTES)

    def _add_pending(self) -> None:
        if not self._pending:
            return
        given_up = self._bounded.given_up.sum()
        self._bounded.add(self._pending)
        for entry in self._pending:
            self._changed[entry.answers["item"] % PAGES] = True
        self._pending.clear()
        if len(self._named) > _MOST_REMEMBERED or self._bounded.given_up.sum() > given_up:
            self._named.clear()

    def _unnamed(self, items: Sequence[NamedItem]) -> list[NamedItem]:
        """Those items and courses that neither the sums nor the entries since then have."""
        few = len(items) <= _MOST_REMEMBERED // 16
        others = [each for each in items if each[:2] not in self._named] if few else items
        if not others:
            return []
        sums = self._bounded.sums
        courses = np.array([each.course for each in others], np.uint32)
        at, named = sums.find(np.array([each.item for each in others], np.uint64))
        records, courses = sums.records[at[named]], courses[named]
        in_range = (records["course_low"] <= courses) & (courses <= records["course_high"])
        named[named] = (sums.names[at[named]] != b"") & (in_range | (courses == 0))
        if few:
            self._named.update([others[at][:2] for at in np.flatnonzero(named).tolist()])
        return [others[at] for at in np.flatnonzero(~named).tolist() if others[at][:2] not in self._named]

    def _header(self, time_s: int = 0, given_up: int = 0) -> JournalHeader:
        return JournalHeader(self.epoch, self.begin, self.since_s, self.number, time_s, given_up)

    def _load(self, records: StoredJournal) -> None:
        """Read the pages, then what entries say of items that their page does not include."""
        pages = records.pages
        self._bounded.put(
            {page: sums_of_page(record) for page, record in pages.items()},
            {page: record.header.given_up for page, record in pages.items()},
        )
        includes = np.array([pages[page].header.number if page in pages else -1 for page in range(PAGES)])
        for number, record in sorted(records.entries.items()):
            entry = entry_of(record).of_pages(includes < number)
            self._pending.append(entry)
            self._named.update(each[:2] for each in entry.named)
            if number % PAGE_EVERY == 0:
                self._add_pending()
        self.since_s, self.number = records.last.since_s, records.last.number

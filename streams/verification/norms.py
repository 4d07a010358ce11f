"""Whether the sums in a partition's journal of norms are those of the first answers of its input, folded again.

Compared is what does not depend on order: counts and totals of each item, not how many students there are at least,
nor names. Passes over slices of the students add up; what a spoiled pass noted is dropped.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Self

import numpy as np

from schemas.dialects import Record
from streams.input.checkpoint import InputCheckpoint
from streams.norms.bounded_sums import MAX_ITEMS
from streams.norms.first_answers import AnswersOfRows
from streams.norms.item_sums import ItemSums
from streams.norms.journal import NormJournal
from streams.norms.journal_entry import JournalEntry
from streams.norms.journal_keys import is_of_journal
from streams.norms.journal_records import JournalDamaged
from streams.rows.layout import Array
from streams.verification.audit import Difference, NotCompared
from streams.verification.students import Extent

COMPARED: Final = ("answers", "wins", "scored", "timed", "due", "score", "squares", "time", "days")


@dataclass(frozen=True, slots=True, eq=False)
class ItemTotals:
    """What is compared of items, in the order of their codes: `values` has a row for each, a column for each of
    COMPARED.
    """

    items: Array
    values: Array

    @classmethod
    def of(cls, sums: ItemSums) -> Self:
        """Of these sums."""
        values = [sums.records[name].astype(np.int64) for name in COMPARED]
        return cls(sums.items, np.stack(values, axis=1))

    def __add__(self, other: Self) -> Self:
        items = np.union1d(self.items, other.items)
        return type(self)(items, self.at(items) + other.at(items))

    def at(self, items: Array) -> Array:
        """The rows of these items, of zeros where one is not there."""
        values = np.zeros((len(items), len(COMPARED)), np.int64)
        values[np.isin(items, self.items)] = self.values[np.isin(self.items, items)]
        return values


class ItemSumsCheck:
    """Of one partition: `note_rows` of its changelog, `begin`; `note_answers` of each pass, `end_pass`; `compare`."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._records: dict[bytes, bytes] = {}
        self._checkpoint: InputCheckpoint | None = None
        self._journal: NormJournal | None = None
        self._damage = ""
        self._replayed = ItemTotals.of(ItemSums())
        self._pass = ItemSums()
        self._left_out: set[int] = set()

    def note_rows(self, records: Sequence[Record]) -> None:
        """Records of the changelog, in order; none of them after `begin`."""
        for record in records if self._checkpoint is None else ():
            if record.key is not None and is_of_journal(record.key):
                self._records.pop(record.key, None)
                if record.value is not None:
                    self._records[record.key] = record.value

    def begin(self, checkpoint: InputCheckpoint | None) -> None:
        """All of the changelog is noted, and this is its checkpoint. Nothing happens in passes after the first."""
        if self._checkpoint is not None or checkpoint is None or checkpoint.norms < 0:
            return
        self._checkpoint = checkpoint
        try:
            self._journal = NormJournal.restore(self._records, checkpoint, checkpoint.epoch, MAX_ITEMS)
        except JournalDamaged as error:
            self._damage = str(error)
        self._records.clear()

    def cut(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Records of the input, in order, apart where answers begin to count: to be folded one after the other."""
        begin = -1 if self._journal is None else self._journal.begin
        before = bisect_right(records, begin, key=attrgetter("offset"))
        return filter(None, (records[:before], records[before:]))

    def note_answers(
        self, records: Sequence[Record], answers: AnswersOfRows, is_erased: Callable[[bytes], bool]
    ) -> None:
        """What these records, on one side of the `cut`, answered. Where items of erased students differ, it may
        be that a worker forgot what a replay knows of them.
        """
        if self._journal is None or not answers:
            return
        for start, end in (answers.of[key] for key in filter(is_erased, answers.of)):
            self._left_out.update(answers.answers["item"][start:end].tolist())
        if records[0].offset > self._journal.begin:
            self._pass.add([JournalEntry(0, answers.answers)])

    def end_pass(self, *, spoiled: bool) -> None:
        """A pass over a slice of the students is over."""
        if not spoiled:
            self._replayed += ItemTotals.of(self._pass)
        self._pass = ItemSums()

    def compare(self, extent: Extent, on_trust: int = 0) -> Iterator[Difference | NotCompared]:
        """What differs, an item each. `on_trust` records cannot be told from copies, for want of keys."""
        if self._damage:
            yield self._difference(self._damage)
        if self._journal is None or self._checkpoint is None:
            return
        if (why := _not_compared(self._journal, self._checkpoint, extent, on_trust)) is not None:
            yield why
            return
        sums = self._journal.sums()
        names = sums.names_by_item()
        live = ItemTotals.of(sums)
        items = np.union1d(live.items, self._replayed.items)
        ours, theirs = live.at(items), self._replayed.at(items)
        left_out = 0
        for at in np.flatnonzero((ours != theirs).any(axis=1)).tolist():
            if (item := int(items[at])) in self._left_out:
                left_out += 1
                continue
            name = names.get(item, b"").decode() or f"of code {item:x}"
            yield self._difference(f"sums of the item {name} differ: {_apart(ours[at], theirs[at])}")
        if left_out:
            yield NotCompared(f"students who were erased answered {left_out} items that differ")

    def _difference(self, what: str) -> Difference:
        return Difference("norms", "", self._partition, -1, what)


def _not_compared(
    journal: NormJournal, checkpoint: InputCheckpoint, extent: Extent, on_trust: int
) -> NotCompared | None:
    """Why sums cannot be compared at the end of what was folded."""
    if extent.history_gone or journal.epoch != extent.epoch:
        return NotCompared("they began before what the topic still holds")
    if checkpoint.offset + 1 != extent.cut or journal.number != checkpoint.norms:
        return NotCompared("they are of another offset than the group's: workers went on, or one was interrupted")
    if journal.given_up:
        return NotCompared("there was no room for all items (SKILLSTREAM_NORM_ITEMS)")
    return (
        NotCompared("some events came with signed headers that cannot be judged without the keys") if on_trust else None
    )


def _apart(live: Array, replayed: Array) -> str:
    pairs = zip(COMPARED, live.tolist(), replayed.tolist(), strict=True)
    return ", ".join(f"{name} {ours}, the replay's {theirs}" for name, ours, theirs in pairs if ours != theirs)

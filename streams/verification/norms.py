"""What norms of a partition are made of, against its input folded again: the sums in its journal at the end of the
changelog, and those of items, components and cohorts at the offset that the newest snapshot covers.

Compared is what does not depend on order: counts and totals of each item, not how many students there are at least,
nor names. Passes over slices of the students add up; what a spoiled pass noted is dropped.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Final

import numpy as np

from schemas.dialects import Record
from streams.input.checkpoint import InputCheckpoint
from streams.norms.bounded_sums import MAX_ITEMS
from streams.norms.item_sums import ItemSums
from streams.norms.journal import NormJournal
from streams.norms.journal_entry import JournalEntry
from streams.norms.journal_keys import is_of_journal
from streams.norms.journal_records import JournalDamaged
from streams.norms.snapshot import CoveredOffset
from streams.pipeline import PartitionResult
from streams.rows.layout import Array
from streams.rows.segments import is_segment
from streams.verification.audit import Difference, NotCompared
from streams.verification.item_totals import COMPARED, ItemTotals
from streams.verification.shard_refold import ShardRefold
from streams.verification.snapshot_sums import SnapshotSums
from streams.verification.students import Extent

_NO_ROOM: Final = "there was no room for all items (SKILLSTREAM_NORM_ITEMS)"
_OTHER_JOURNAL: Final = "the journal that they were made of is gone: norms were off meanwhile, or it is damaged"


class PartitionNorms:
    """Of one partition: `note_rows` of its changelog, `begin`; `pass_by` and `note` of each batch of each pass,
    `end_pass`; `compare`, `hand_over`. `covered` is the offset of it that the newest snapshot names, if it does.

    `items` counts those whose sums in the journal were compared.
    """

    def __init__(self, partition: int, covered: CoveredOffset | None = None) -> None:
        self.items = 0
        self._partition = partition
        self._shard = None if covered is None else ShardRefold(covered)
        self._records: dict[bytes, bytes] = {}
        self._checkpoint: InputCheckpoint | None = None
        self._journal: NormJournal | None = None
        self._begin = -1
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
            self._begin = self._journal.begin
        except JournalDamaged as error:
            self._damage = str(error)
        self._records.clear()

    def cut(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Records of the input, in order, apart where answers begin to count and where what a snapshot covers ends: to
        be folded one after the other.
        """
        offsets = [self._begin] if self._shard is None else [self._begin, self._shard.covered.offset]
        ends = sorted(bisect_right(records, offset, key=attrgetter("offset")) for offset in offsets)
        return filter(None, (records[start:end] for start, end in pairwise((0, *ends, len(records)))))

    def pass_by(self, offset: int, rows: Mapping[bytes, bytes]) -> None:
        """The record at `offset` is the next that is folded into these rows."""
        if self._shard is not None:
            self._shard.pass_by(offset, rows, self._pass)

    def note(self, records: Sequence[Record], result: PartitionResult, is_erased: Callable[[bytes], bool]) -> None:
        """What these records, between two cuts, changed.

        Where what erased students have part in differs, it may be that a worker forgot what a replay knows of them;
        and a worker that kept no journal may be one of before, whose rows say less.
        """
        if self._journal is None:
            return
        answers, before = result.first_answers, records[0].offset <= self._begin
        if self._shard is not None:
            keys = filter(lambda key: not is_segment(key), result.rows if before else filter(is_erased, result.rows))
            self._shard.excuse([row for row in map(result.rows.get, keys) if row is not None])
        if answers and not before:
            self._pass.add([JournalEntry(0, answers.answers)])

    def leave_out(self, items: Collection[int]) -> None:
        """Items that erased students worked on: where they differ, what was a first answer again may not be to us."""
        self._left_out.update(items)

    def end_pass(self, rows: Mapping[bytes, bytes], *, spoiled: bool) -> None:
        """A pass over a slice of the students is over."""
        if self._shard is not None:
            self._shard.end_pass(rows, self._pass, spoiled=spoiled)
        if not spoiled:
            self._replayed += ItemTotals.of(self._pass)
        self._pass = ItemSums()

    def compare(self, extent: Extent, on_trust: int = 0) -> Iterator[Difference | NotCompared]:
        """What differs in the journal, an item each. `on_trust` records cannot be told from copies for want of keys."""
        if self._damage:
            yield self._difference(self._damage)
        if self._journal is None or self._checkpoint is None:
            return
        if why := _not_refolded(extent, self._journal.epoch, on_trust) or self._not_at_the_end(extent):
            yield NotCompared(why)
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
        self.items = len(items) - left_out

    def hand_over(self, sums: SnapshotSums, extent: Extent, on_trust: int = 0) -> Iterator[Difference]:
        """Add what was refolded up to the offset that the snapshot covers, or why it cannot be compared."""
        if self._shard is None:
            return
        epoch, offset = self._shard.covered[1:]
        if epoch == extent.epoch and offset >= max(extent.end, extent.cut):
            yield self._difference(
                f"the newest snapshot of norms covers offset {offset}, ahead of the topic: it ends before {extent.end}"
            )
        self._shard.rows.cut()
        self._shard.excused["items"] = self._left_out
        sums.add(self._shard)
        why = _not_refolded(extent, epoch, on_trust)
        if not why and offset >= extent.cut:
            why = "they are of more than the group has committed"
        if not why and self._journal is None:
            why = _OTHER_JOURNAL
        no_room = "there was no room for all components or cohorts" if self._shard.rows.left_out else ""
        sums.leave_out(why or no_room, "components", "cohorts")
        sums.leave_out(why or self._otherwise_summed(epoch, offset), "items")

    def _otherwise_summed(self, epoch: int, offset: int) -> str:
        """Why the items of a snapshot are not the sums of this journal, as it was at that offset."""
        assert self._journal is not None
        if (self._journal.epoch, self._journal.begin) > (epoch, offset):
            return _OTHER_JOURNAL
        return _NO_ROOM if self._journal.given_up else ""

    def _not_at_the_end(self, extent: Extent) -> str:
        """Why the journal's sums cannot be compared at the end of what was folded."""
        assert self._journal is not None
        assert self._checkpoint is not None
        if self._checkpoint.offset + 1 != extent.cut or self._journal.number != self._checkpoint.norms:
            return "they are of another offset than the group's: workers went on, or one was interrupted"
        return _NO_ROOM if self._journal.given_up else ""

    def _difference(self, what: str) -> Difference:
        return Difference("norms", "", self._partition, -1, what)


def _not_refolded(extent: Extent, epoch: int, on_trust: int) -> str:
    """Why sums under `epoch` cannot be compared with those of a replay, wherever it stops."""
    if extent.history_gone or epoch != extent.epoch:
        return "they began before what the topic still holds"
    return "some events came with signed headers that cannot be judged without the keys" if on_trust else ""


def _apart(live: Array, replayed: Array) -> str:
    pairs = zip(COMPARED, live.tolist(), replayed.tolist(), strict=True)
    return ", ".join(f"{name} {ours}, the replay's {theirs}" for name, ours, theirs in pairs if ours != theirs)

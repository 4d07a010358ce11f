"""Sums over first answers by item: the same in whichever bulks the answers are added."""

from collections.abc import Sequence
from typing import Final, Self

import numpy as np

from streams.norms.cohorts import SHOWN_BYTES, cut_name
from streams.norms.first_answers import NamedItem
from streams.norms.item_bulk import ItemBulk
from streams.norms.journal_entry import JournalEntry
from streams.norms.layout import ITEM_SUMS
from streams.rows.layout import Array, Indices

ITEM_NAME: Final = np.dtype(f"S{SHOWN_BYTES}")
_LATEST_S: Final = 2**32 - 1
_NO_SUMS: Final = np.empty(0, ITEM_SUMS)
_NO_NAMES: Final = np.empty(0, ITEM_NAME)


class ItemSums:
    """`records` (ITEM_SUMS) are sorted by item; `items` are the codes, `names` (ITEM_NAME) b"" where there is none."""

    def __init__(self, records: Array = _NO_SUMS, names: Array = _NO_NAMES) -> None:
        self._put(records, names)

    def __len__(self) -> int:
        return len(self.records)

    def names_by_item(self) -> dict[int, bytes]:
        """The names of those items that have one."""
        pairs = zip(self.records["item"].tolist(), self.names.tolist(), strict=True)
        return {item: name for item, name in pairs if name}

    def copy(self) -> Self:
        """The sums as they are now."""
        return self.where(slice(None))

    def where(self, chosen: Array | slice) -> Self:
        """A copy of those that a mask chooses."""
        return type(self)(self.records[chosen].copy(), self.names[chosen].copy())

    def find(self, items: Array) -> tuple[Indices, Array]:
        """Where these items are in `records`, or would be; which of them are there."""
        at = self.items.searchsorted(items)
        there = at < len(self.items)
        there[there] = self.items[at[there]] == items[there]
        return at, there

    def put(self, others: "Sequence[ItemSums]") -> None:
        """Take over the records of others, none of whose items is there yet."""
        records = np.concatenate([self.records, *(each.records for each in others)])
        order = np.argsort(records["item"])
        names = np.concatenate([self.names, *(each.names for each in others)])
        self._put(records[order], names[order])

    def add(self, entries: Sequence[JournalEntry]) -> None:
        """Add what these say, in their order."""
        answers = np.concatenate([each.answers for each in entries])
        if not len(answers):
            return
        times = [min(max(each.time_s, 0), _LATEST_S) for each in entries]
        bulk = ItemBulk.of(answers, np.repeat(times, [len(each.answers) for each in entries]))
        at = self._made_for(bulk.items)
        records = self.records[at]
        bulk.add_to(records)
        self.records[at] = records
        for item in (item for each in entries for item in each.named):
            self._name(item)

    def _put(self, records: Array, names: Array) -> None:
        self.records = records
        self.names = names
        self.items = np.ascontiguousarray(records["item"])

    def _made_for(self, items: Array) -> Indices:
        """Where the records of these items are, made for those that had none."""
        at, there = self.find(items)
        if there.all():
            return at
        records = np.zeros(np.count_nonzero(~there), ITEM_SUMS)
        records["item"] = items[~there]
        self.put([ItemSums(records, np.zeros(len(records), ITEM_NAME))])
        return self.find(items)[0]

    def _name(self, named: NamedItem) -> None:
        """Note an item's name and component, where they are its first, and the course."""
        at, there = self.find(np.array([named.item], np.uint64))
        if not there[0]:
            return
        record = self.records[at[0]]
        self.names[at[0]] = self.names[at[0]] or cut_name(named.name.encode())
        record["component"] = record["component"] or named.component
        if named.course:
            record["course_low"] = min(record["course_low"] or named.course, named.course)
            record["course_high"] = max(record["course_high"], named.course)

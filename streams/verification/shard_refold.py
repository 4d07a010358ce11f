"""The sums of one partition's input, folded again, at the offset up to which a snapshot of norms covers it.

They are taken where the fold passes that offset; passes over slices of the students add up. Codes of what may differ
though nothing is wrong are collected on the way: what erased students, and a worker without norms, had part in.
"""

from collections.abc import Collection, Mapping
from typing import Final

from streams.norms.item_sums import ItemSums
from streams.norms.row_sums import Periods, RowSums, sum_rows, sums_of
from streams.norms.snapshot import CoveredOffset
from streams.rows.row_facts import RowFacts
from streams.verification.item_totals import ItemTotals

_END: Final = 1 << 62
_NO_TIME: Final = Periods(0, 1)
"""Who was seen when is not compared: a shard's clock depends on how steps were cut."""


class ShardRefold:
    """`covered` names partition, epoch and offset. `items` and `rows` are the sums of the passes that ended; `excused`
    are codes by table.
    """

    def __init__(self, covered: CoveredOffset) -> None:
        self.covered = covered
        self.items = ItemTotals.of(ItemSums())
        self.rows = RowSums()
        self.excused: dict[str, set[int]] = {"items": set(), "components": set(), "cohorts": set()}
        self._taken: tuple[ItemTotals, RowSums] | None = None

    def pass_by(self, offset: int, rows: Mapping[bytes, bytes], items: ItemSums) -> None:
        """Take the sums, where the record at `offset` is the first beyond what is covered, and is folded next."""
        if self._taken is None and offset > self.covered.offset:
            self._taken = ItemTotals.of(items), sum_rows(rows.values(), _NO_TIME)

    def end_pass(self, rows: Mapping[bytes, bytes], items: ItemSums, *, spoiled: bool) -> None:
        """A pass over a slice of the students is over: what a spoiled one took is dropped."""
        self.pass_by(_END, rows, items)
        if self._taken is not None and not spoiled:
            self.items += self._taken[0]
            self.rows += self._taken[1]
        self._taken = None

    def excuse(self, rows: Collection[bytes]) -> None:
        """What these rows, folded up to here, count in may differ."""
        if rows and self._taken is None:
            sums = sums_of(RowFacts.of(list(rows)), _NO_TIME)
            self.excused["components"].update(sums.components["code"].tolist())
            self.excused["cohorts"].update(sums.cohorts["code"].tolist())

"""Sums of first answers by item, as far as they do not depend on order: counts and totals, as signed integers."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from streams.norms.item_sums import ItemSums
from streams.norms.records import ITEM
from streams.rows.layout import Array

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

    def records(self) -> Array:
        """As a shard has them (ITEM), all else left 0: counts are nothing at least."""
        records = np.zeros(len(self.items), ITEM)
        records["code"] = self.items
        for name, column in zip(COMPARED, self.values.T, strict=True):
            records[name] = np.maximum(column, 0) if ITEM[name].kind == "u" else column
        return records

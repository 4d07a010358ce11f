"""A shard: the sums of one partition at one offset. It is a function of the input up to there, whoever computes it."""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from msgspec import Struct

from streams.norms.item_sums import ItemSums
from streams.norms.layout import ITEM_SUMS
from streams.norms.records import COHORT_TOTALS, COMPONENT_TOTALS, ITEM
from streams.norms.sealed import open_sealed, read_tables, seal
from streams.rows.layout import Array

_KIND: Final = 1
_TABLES: Final = (ITEM, COMPONENT_TOTALS, COHORT_TOTALS)


class _Header(Struct, frozen=True, array_like=True):
    partition: int
    epoch: int
    offset: int
    clock_us: int
    every_us: int
    begin: int
    given_up: int
    left_out: int
    counts: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class NormShard:
    """Sums over the records of `partition` up to `offset` under `epoch`; first answers to items from `begin` on.

    `clock_us` is the records' time, `every_us` a period. `given_up` items and `left_out` cohorts and components had no
    room. `items` are of ITEM, `components` of COMPONENT_TOTALS, `cohorts` of COHORT_TOTALS, all in the order of codes.
    """

    partition: int
    epoch: int
    offset: int
    clock_us: int
    every_us: int
    begin: int
    given_up: int
    left_out: int
    items: Array
    components: Array
    cohorts: Array

    def encode(self) -> bytes:
        """The bytes that are sent."""
        *numbers, items, components, cohorts = (getattr(self, each.name) for each in fields(self))
        tables = items, components, cohorts
        return seal(_KIND, _Header(*(*numbers, tuple(map(len, tables)))), tables)

    @classmethod
    def decode(cls, stored: bytes) -> Self:
        """The reverse of `encode`. Raises NormsUnreadable."""
        header, begin = open_sealed(_KIND, stored, _Header)
        *numbers, counts = (getattr(header, name) for name in header.__struct_fields__)
        return cls(*numbers, *read_tables(stored, begin, _TABLES, counts))


def items_of(sums: ItemSums) -> Array:
    """Sums of items as a shard has them: nothing of a single student is left. Counts are nothing at least, where voids
    took back what was answered before the sums began.
    """
    records = np.zeros(len(sums), ITEM)
    records["code"], records["name"] = sums.records["item"], sums.names
    for field in set(ITEM.names or ()) & set(ITEM_SUMS.names or ()):
        own = sums.records[field]
        records[field] = np.maximum(own, 0) if ITEM[field].kind == "u" else own
    return records

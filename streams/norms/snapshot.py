"""A snapshot: the norms of all partitions as they are published, once and for all. Its content is its version."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, Self

from msgspec import Struct

from streams.norms.records import COHORT_TOTALS, COMPONENT_TOTALS, ITEM
from streams.norms.sealed import NormsUnreadable, checksum_of, open_sealed, read_tables, seal
from streams.rows.layout import Array

VERSION_BYTES: Final = 8
_KIND: Final = 2
_TABLES: Final = (ITEM, COMPONENT_TOTALS, COHORT_TOTALS)


class CoveredOffset(NamedTuple):
    """Up to which record of a partition, and of which epoch, its sums are in."""

    partition: int
    epoch: int
    offset: int


class Excess(NamedTuple):
    """How many had no room."""

    items: int = 0
    components: int = 0
    cohorts: int = 0


class _Header(Struct, frozen=True, array_like=True):
    number: int
    previous: str
    app_id: str
    partitions: int
    clock_us: int
    every_us: int
    offsets: tuple[CoveredOffset, ...]
    aliases: tuple[tuple[str, str], ...]
    left_out: Excess
    counts: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class NormSnapshot:
    """The snapshot of `number` after that of the version `previous` (the first: none, ""), of an app's `partitions`.

    `clock_us` is the records' time, `every_us` a period. `offsets` are in the order of partitions. `aliases` are
    courses, each with the one whose norm serves until it has its own. Tables are as in `NormShard`: a norm's `since` is
    the number of the snapshot that published it.
    """

    number: int
    previous: str
    app_id: str
    partitions: int
    clock_us: int
    every_us: int
    offsets: tuple[CoveredOffset, ...]
    aliases: tuple[tuple[str, str], ...]
    left_out: Excess
    items: Array
    components: Array
    cohorts: Array

    @cached_property
    def _sealed(self) -> bytes:
        tables = self.items, self.components, self.cohorts
        numbers = (getattr(self, name) for name in _Header.__struct_fields__[:-1])
        return seal(_KIND, _Header(*(*numbers, tuple(map(len, tables)))), tables)

    def encode(self) -> bytes:
        """The bytes that are published: equal norms have equal bytes."""
        return self._sealed

    @property
    def key(self) -> bytes:
        """The version as rows have it."""
        return checksum_of(self._sealed)[:VERSION_BYTES]

    @property
    def version(self) -> str:
        """What rows and updates call it: the first 16 hexadecimal digits of the checksum of what it says."""
        return self.key.hex()

    @property
    def epoch(self) -> int:
        """The highest of its partitions."""
        return max((each.epoch for each in self.offsets), default=0)

    @classmethod
    def decode(cls, stored: bytes, app_id: str) -> Self:
        """The reverse of `encode`. Raises NormsUnreadable, also for one of another app."""
        header, begin = open_sealed(_KIND, stored, _Header)
        if header.app_id != app_id:
            raise NormsUnreadable("foreign", f"norms of the app {header.app_id!r}; this one is {app_id!r}")
        *numbers, counts = (getattr(header, name) for name in header.__struct_fields__)
        snapshot = cls(*numbers, *read_tables(stored, begin, _TABLES, counts))
        vars(snapshot)["_sealed"] = stored  # as it was read: nothing has to be encoded anew
        return snapshot

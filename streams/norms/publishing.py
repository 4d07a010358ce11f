"""What is published next: pure, and equal for equal shards. Nothing of fewer than LEAST_STUDENTS ever is.

    shards of all partitions ──added up──► sums ──due?──► norms of now │ what is not due keeps what is published
                                                                      └──► a snapshot, if anything changed

An item is due again when LEAST_STUDENTS distinct students have added something to it. A component, or a cohort, is when
as many of its students had events since, and no more than half of those that are published have left: a course that
is over keeps the norm that it had. Under a new epoch sums may have begun anew: what has enough students then replaces
what is published, whatever that was of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from streams.norms.records import SEEN_PERIODS, find_codes, joined_records, largest, records_of, sum_by_code, taken
from streams.norms.shard import NormShard
from streams.norms.snapshot import CoveredOffset, Excess, NormSnapshot
from streams.norms.withheld import LEAST_STUDENTS, withhold
from streams.rows.layout import Array


@dataclass(frozen=True, slots=True)
class NormBounds:
    """How many norms of each kind a snapshot has at most: those with most students."""

    items: int = 100_000
    components: int = 20_000
    cohorts: int = 10_000


@dataclass(frozen=True, slots=True)
class NormTopic:
    """Whose norms they are: they are published for the workers of one app, of so many partitions."""

    app_id: str
    partitions: int


def publish(
    previous: NormSnapshot | None,
    shards: Mapping[int, NormShard],
    courses: Mapping[str, str],
    topic: NormTopic,
    bounds: NormBounds = NormBounds(),
) -> NormSnapshot | None:
    """The snapshot after `previous`, of the newest shard of each partition; None where nothing is due.

    `courses` are copies of courses, each with the course whose norm serves until it has its own.
    """
    if not shards:
        return None
    ordered = [shards[partition] for partition in sorted(shards)]
    publication = _Publication.after(previous, ordered)
    items, components, cohorts = (
        publication.norms(name, [getattr(shard, name) for shard in ordered], getattr(bounds, name))
        for name in ("items", "components", "cohorts")
    )
    aliases = tuple(sorted(courses.items()))
    if not publication.changed and (previous is None or aliases == previous.aliases):
        return None
    return NormSnapshot(
        publication.number,
        previous.version if previous else "",
        topic.app_id,
        topic.partitions,
        publication.clock_us,
        publication.every_us,
        tuple(CoveredOffset(shard.partition, shard.epoch, shard.offset) for shard in ordered),
        aliases,
        Excess(*publication.left_out),
        items,
        components,
        cohorts,
    )


@dataclass(slots=True)
class _Publication:
    """What is being published after `previous`; `changed` once anything is due, `left_out` by table."""

    previous: NormSnapshot | None
    clock_us: int
    every_us: int
    epoch: int
    changed: bool = False
    left_out: list[int] = field(default_factory=list)

    @classmethod
    def after(cls, previous: NormSnapshot | None, shards: Sequence[NormShard]) -> Self:
        """With the median of the shards' clocks."""
        clocks_us = sorted(shard.clock_us for shard in shards)
        every_us, epoch = max(shard.every_us for shard in shards), max(shard.epoch for shard in shards)
        return cls(previous, clocks_us[(len(clocks_us) - 1) // 2], every_us, epoch)

    @property
    def number(self) -> int:
        """Of the snapshot that becomes of it."""
        return self.previous.number + 1 if self.previous else 1

    def norms(self, name: str, tables: Sequence[Array], most: int) -> Array:
        """What the snapshot has in this table: what is due, and what of before is not."""
        sums = sum_by_code(joined_records(tables))
        before: Array = getattr(self.previous, name) if self.previous else sums[:0]
        published = records_of(before, sums["code"])
        new = taken(sums, np.flatnonzero(self._due(sums, published)))
        new["since"], new["since_us"], new["epoch"] = self.number, self.clock_us, self.epoch
        withhold(new)
        self.changed |= len(new) > 0
        _, replaced = find_codes(new, before["code"])
        norms = joined_records((taken(before, np.flatnonzero(~replaced)), new))
        norms = taken(norms, np.argsort(norms["code"]))
        self.left_out.append(max(len(norms) - most, 0))
        return largest(norms, most)

    def _due(self, sums: Array, published: Array) -> Array:
        """Which sums are to be published, now that the norms of `published` are."""
        students, before = sums["students"].astype(np.int64), published["students"].astype(np.int64)
        began_anew = (before == 0) | (published["epoch"] < self.epoch)
        if "seen" in (sums.dtype.names or ()):
            again = (self._seen_since(sums["seen"], published["since_us"]) >= LEAST_STUDENTS) & (2 * students >= before)
        else:
            again = students >= before + LEAST_STUDENTS
        return np.asarray((students >= LEAST_STUDENTS) & (began_anew | again))

    def _seen_since(self, seen: Array, since_us: Array) -> Array:
        """How many students had events in the longest of SEEN_PERIODS that is over since then, 0 where none is; where a
        clock went back, in the shortest.
        """
        periods = (self.clock_us - since_us) // self.every_us
        longest = np.searchsorted(SEEN_PERIODS, periods, side="right") - 1
        longest[periods < 0] = 0
        counts = np.take_along_axis(seen, np.maximum(longest, 0)[:, None], axis=1)[:, 0]
        return np.where(longest >= 0, counts, 0)

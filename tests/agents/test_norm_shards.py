"""Shards on their topic, and the snapshots that the owner of partition 0 makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from agents.norms.merger import WRITTEN_AGAIN_MS, NormsMerger
from agents.norms.shards import ShardLog, shard_records
from streams.norms.pieces import PIECE_BYTES
from streams.norms.publishing import NormTopic
from streams.norms.records import COHORT_TOTALS, COMPONENT_TOTALS, ITEM
from streams.norms.sealed import NormsUnreadable
from streams.norms.shard import NormShard
from streams.norms.snapshot import NormSnapshot
from streams.replay import FileRecord
from tests.events import NOW_MS
from tests.norms import APP_ID, EVERY_US

PARTITIONS = 2


def shard_of(partition: int, offset: int, students: int = 10, *, epoch: int = 0, items: int = 1) -> NormShard:
    of_items = np.zeros(items, ITEM)
    of_items["code"], of_items["students"] = np.arange(1, items + 1), students
    none = np.zeros(0, COMPONENT_TOTALS), np.zeros(0, COHORT_TOTALS)
    return NormShard(partition, epoch, offset, EVERY_US, EVERY_US, -1, 0, 0, of_items, *none)


def records(*shards: NormShard, app_id: str = APP_ID) -> list[FileRecord]:
    pairs = [pair for shard in shards for pair in shard_records(shard, app_id)]
    return [FileRecord(at, NOW_MS, value, "norm-shards", 0, key) for at, (key, value) in enumerate(pairs)]


def compacted(found: Sequence[FileRecord]) -> list[FileRecord]:
    """The last record of each key."""
    return list({record.key: record for record in found}.values())


@dataclass
class Topic:
    """`norm-shards` as a list; `written` and `refused` are what a merger said."""

    unread: list[FileRecord] = field(default_factory=list)
    written: list[NormSnapshot] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    name: str = "norm-shards"
    now_s: float = 0.0
    now_ms: int = NOW_MS

    def rewind(self, last: int | None = None) -> None:
        pass

    def read_on(self) -> Sequence[FileRecord]:
        found, self.unread = self.unread, []
        return found

    def merger(self, **given: Any) -> NormsMerger:
        merger = NormsMerger(
            self,
            self.written.append,
            lambda error: self.refused.append(error.reason),
            NormTopic(APP_ID, PARTITIONS),
            {},
            86_400.0,
            clock_s=lambda: self.now_s,
            now_ms=lambda: self.now_ms,
        )
        return replace(merger, **given)


def noted(*found: Sequence[FileRecord]) -> tuple[dict[int, int], list[str]]:
    """The offsets of the newest whole shards by partition, and what was refused."""
    log = ShardLog(APP_ID, PARTITIONS)
    refused = [error.reason for some in found for error in log.note_all(some)]
    return {partition: shard.offset for partition, shard in log.shards.items()}, list(refused)


def test_pieces_of_a_longer_older_shard_are_passed_over() -> None:
    long, short = shard_of(0, 5, items=2 * PIECE_BYTES // ITEM.itemsize), shard_of(0, 9)
    assert len(records(long)) > 1

    assert noted(compacted(records(long, short))) == ({0: 9}, [])


def test_a_shard_counts_when_all_its_pieces_are_read_and_the_one_before_it_until_then() -> None:
    before, long = records(shard_of(0, 5)), records(shard_of(0, 9, items=2 * PIECE_BYTES // ITEM.itemsize))

    assert noted(before, long[:-1]) == ({0: 5}, [])
    assert noted(before, long[:-1], long[-1:]) == ({0: 9}, [])


def test_an_older_shard_that_comes_late_changes_nothing_and_a_newer_epoch_counts_from_its_begin() -> None:
    assert noted(records(shard_of(0, 9), shard_of(0, 5))) == ({0: 9}, [])
    assert noted(records(shard_of(0, 9), shard_of(0, 5, epoch=1))) == ({0: 5}, [])


def test_shards_of_another_app_and_of_partitions_that_are_not_there_are_none_of_ours() -> None:
    assert noted(records(shard_of(0, 5), app_id="another"), records(shard_of(7, 5))) == ({}, [])


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"any", b"x" * 99), (None, b"x" * 99), (b"skillstream/0/0", b"short"), (b"skillstream/0/0", None)],
)
def test_garbage_is_refused(key: bytes | None, value: bytes | None) -> None:
    offsets, [reason] = noted([FileRecord(0, NOW_MS, value, "norm-shards", 0, key)])

    assert (offsets, reason in {"damaged", "foreign"}) == ({}, True)


def test_a_damaged_shard_is_refused_and_the_next_one_counts() -> None:
    [damaged] = records(shard_of(0, 5))
    damaged = replace(damaged, value=(damaged.value or b"")[:-1] + b"\x7f")

    assert noted([damaged]) == ({}, ["damaged"])
    assert noted([damaged], records(shard_of(0, 9))) == ({0: 9}, ["damaged"])


def test_a_snapshot_is_made_when_all_partitions_have_a_new_shard() -> None:
    topic = Topic(records(shard_of(0, 5)))
    merger = topic.merger()

    merger.merge(None, None)
    assert topic.written == []

    topic.unread = records(shard_of(1, 7))
    merger.merge(None, None)
    [snapshot] = topic.written
    assert (snapshot.number, [each.offset for each in snapshot.offsets]) == (1, [5, 7])
    assert snapshot.items["students"].tolist() == [20]


def test_a_partition_without_records_is_not_waited_for_longer_than_a_hundredth_of_a_period() -> None:
    topic = Topic(records(shard_of(0, 5)))
    merger = topic.merger()

    merger.merge(None, None)
    topic.now_s = 863.0
    merger.merge(None, None)
    assert topic.written == []

    topic.now_s = 865.0
    merger.merge(None, None)
    assert [snapshot.number for snapshot in topic.written] == [1]


def test_what_is_not_due_is_not_looked_at_again_before_there_are_new_shards() -> None:
    topic = Topic(records(shard_of(0, 5, students=4), shard_of(1, 5, students=5)))
    merger = topic.merger()
    merger.merge(None, None)
    assert topic.written == []

    topic.unread = records(shard_of(0, 9, students=5))
    merger.merge(None, None)
    assert topic.written == [], "one partition's is waited for"

    topic.now_s = 865.0
    merger.merge(None, None)
    merger.merge(None, None)
    assert len(topic.written) == 1, "4 + 5 are too few, 5 + 5 are ten"


def test_another_owner_goes_on_from_the_snapshot_in_force() -> None:
    topic = Topic(records(shard_of(0, 5), shard_of(1, 5)))
    topic.merger().merge(None, None)
    [first] = topic.written

    again = Topic(records(shard_of(0, 5), shard_of(1, 5)))
    other = again.merger()
    other.merge(first, NOW_MS)
    assert again.written == []

    again.unread = records(shard_of(0, 9, students=30), shard_of(1, 9))
    other.merge(first, NOW_MS)
    assert [(each.number, each.previous) for each in again.written] == [(2, first.version)]


@pytest.mark.parametrize("written_ms", [None, NOW_MS - WRITTEN_AGAIN_MS - 1])
def test_the_snapshot_in_force_is_written_again_before_updates_outlive_it(written_ms: int | None) -> None:
    topic = Topic(records(shard_of(0, 5), shard_of(1, 5)))
    merger = topic.merger()
    merger.merge(None, None)
    [first] = topic.written

    merger.merge(first, NOW_MS)
    assert len(topic.written) == 1
    merger.merge(first, written_ms)
    assert [each.version for each in topic.written] == [first.version] * 2


def test_a_snapshot_that_nobody_could_read_is_refused_and_scores_go_on() -> None:
    def too_large(_: NormSnapshot) -> None:
        raise NormsUnreadable("too_large", "")

    topic = Topic(records(shard_of(0, 5), shard_of(1, 5)))
    merger = topic.merger(write=too_large)
    merger.merge(None, None)
    merger.merge(None, None)

    assert topic.refused == ["too_large"]

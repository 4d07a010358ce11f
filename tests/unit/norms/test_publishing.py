"""What is published, and when again: from ten students on, after ten more, equal for equal shards."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.norms.publishing import NormBounds, publish
from streams.norms.shard import NormShard
from streams.norms.snapshot import CoveredOffset, NormSnapshot
from tests.norms import EVERY_US
from tests.unit.norms.shards import TOPIC, seen, shard_of

BOUNDS = NormBounds()


def published(previous: NormSnapshot | None, *shards: NormShard, bounds: NormBounds = BOUNDS) -> NormSnapshot:
    snapshot = publish(previous, {each.partition: each for each in shards}, {}, TOPIC, bounds)
    assert snapshot is not None
    return snapshot


def item(students: int, **fields: int) -> NormShard:
    return shard_of({"item": {"students": students, **fields}})


def cohort(students: int, *in_periods: int, clock_us: int, **fields: object) -> NormShard:
    counts = {"students": students, "seen": seen(*in_periods), **fields}
    return shard_of(cohorts={"course:a": counts}, components={"algebra": counts}, clock_us=clock_us)


def test_nothing_below_ten_students_is_published() -> None:
    few = {"students": 9}
    assert publish(None, {0: shard_of({"i": few}, {"c": few}, {"course:a": few})}, {}, TOPIC) is None
    assert publish(None, {}, {}, TOPIC) is None


def test_students_of_all_partitions_count_together() -> None:
    halves = [shard_of({"item": {"students": 5, "score": at}}, partition=at, offset=at) for at in (1, 2)]
    snapshot = published(None, *halves)

    [norm] = snapshot.items
    assert [int(norm[name]) for name in ("students", "since", "since_us", "epoch")] == [10, 1, EVERY_US, 0]
    assert snapshot.offsets == (CoveredOffset(1, 0, 1), CoveredOffset(2, 0, 2))
    assert (snapshot.number, snapshot.previous, snapshot.partitions) == (1, "", 4)


def test_an_item_is_published_again_only_after_ten_more() -> None:
    first = published(None, item(10, answers=10))

    assert publish(first, {0: item(19, answers=19)}, {}, TOPIC) is None
    again = published(first, item(20, answers=20))
    assert again.items["answers"].tolist() == [20]
    assert (again.number, again.previous, again.items["since"].tolist()) == (2, first.version, [2])


def test_what_is_not_due_keeps_what_is_published() -> None:
    first = published(None, shard_of({"a": {"students": 12}, "b": {"students": 15}}))
    again = published(first, shard_of({"a": {"students": 13}, "b": {"students": 25}, "c": {"students": 3}}))

    norms = [(int(norm["students"]), int(norm["since"])) for norm in again.items]
    assert sorted(norms) == [(12, 1), (25, 2)]


def test_a_cohort_is_published_again_when_ten_of_its_students_were_seen_since() -> None:
    first = published(None, cohort(30, 30, clock_us=0))

    assert publish(first, {0: cohort(30, 30, clock_us=EVERY_US - 1)}, {}, TOPIC) is None  # no period is over
    assert publish(first, {0: cohort(31, 9, clock_us=EVERY_US)}, {}, TOPIC) is None
    assert published(first, cohort(31, 10, clock_us=EVERY_US)).cohorts["students"].tolist() == [31]
    assert published(first, cohort(31, 9, 9, 10, clock_us=7 * EVERY_US)).components["students"].tolist() == [31]
    assert publish(first, {0: cohort(31, 9, 9, 9, 10, clock_us=7 * EVERY_US)}, {}, TOPIC) is None


def test_a_course_that_is_left_keeps_its_norm() -> None:
    first = published(None, cohort(100, 100, clock_us=0))

    assert publish(first, {0: cohort(49, 49, clock_us=EVERY_US)}, {}, TOPIC) is None
    assert published(first, cohort(50, 50, clock_us=EVERY_US)).cohorts["students"].tolist() == [50]


def test_a_clock_that_went_back_does_not_stop_norms_for_ever() -> None:
    first = published(None, cohort(30, 30, clock_us=80 * 365 * EVERY_US))

    assert published(first, cohort(40, 10, clock_us=EVERY_US)).clock_us == EVERY_US


def test_the_clock_is_the_median_of_the_shards() -> None:
    shards = [shard_of({"i": {"students": 10}}, partition=at, clock_us=clock) for at, clock in enumerate((5, 2**60, 9))]

    assert published(None, *shards).clock_us == 9


def test_a_new_epoch_replaces_only_from_ten_on() -> None:
    first = published(None, shard_of({"a": {"students": 500}, "b": {"students": 500}, "c": {"students": 500}}))
    rebuilt = shard_of({"a": {"students": 10}, "b": {"students": 9}}, epoch=1)
    second = published(first, rebuilt)

    assert sorted(second.items["students"].tolist()) == [10, 500, 500]
    third = published(second, shard_of({"a": {"students": 19}, "b": {"students": 11}}, epoch=1))
    assert sorted(third.items["students"].tolist()) == [10, 11, 500]


def test_bounds_leave_out_the_smallest() -> None:
    shard = shard_of({f"i{at}": {"students": 10 + at} for at in range(6)})
    snapshot = published(None, shard, bounds=NormBounds(items=4))

    assert sorted(snapshot.items["students"].tolist()) == [12, 13, 14, 15]
    assert snapshot.left_out == (2, 0, 0)


def test_of_equal_ones_at_the_bound_the_lesser_code_stays() -> None:
    shard = shard_of({f"i{at}": {} for at in range(6)})
    snapshot = published(None, shard, bounds=NormBounds(items=4))

    assert snapshot.items["code"].tolist() == sorted(shard.items["code"].tolist())[:4]


def test_numbers_of_fewer_than_ten_students_are_withheld_from_a_norm() -> None:
    fields = {"students": 30, "scored": 9, "score": 5_000, "answers": 10, "wins": 3, "timed": 9, "time": 77, "due": 10}
    bins = np.ones((6, 16), int)
    counts = {"students": 30, "n": [9, 10, 30, 0, 0, 0], "total": [1] * 6, "bins": bins, "withdrew": 9, "facts": 9}
    snapshot = published(None, shard_of({"item": fields}, cohorts={"course:a": counts}))

    [norm], [cohort] = snapshot.items, snapshot.cohorts
    assert [int(norm[name]) for name in ("scored", "score", "answers", "wins", "timed", "time", "due")] == [
        *(0, 0, 10, 3, 0, 0, 10)
    ]
    assert cohort["total"].tolist() == [0, 1, 1, 0, 0, 0]
    assert cohort["bins"].sum(axis=1).tolist() == [0, 16, 16, 0, 0, 0]
    assert not cohort["withdrew"]
    assert not cohort["facts"].any()


def test_the_copy_of_a_course_is_published_once() -> None:
    assert publish(None, {0: item(9)}, {"2014": "2013"}, TOPIC) is None
    first = published(None, item(10))
    second = publish(first, {0: item(11)}, {"2014": "2013"}, TOPIC)

    assert second is not None
    assert second.aliases == (("2014", "2013"),)
    assert publish(second, {0: item(11)}, {"2014": "2013"}, TOPIC) is None


_counts = st.fixed_dictionaries(
    {"students": st.integers(0, 30), "seen": st.integers(0, 30)},
    optional={"answers": st.integers(0, 99), "wins": st.integers(0, 99)},
)
_of_items = st.fixed_dictionaries(
    {"students": st.integers(0, 30)},
    optional={"score": st.integers(-9, 9_000), "course_low": st.integers(0, 3), "newest_s": st.integers(0, 9)},
)
_shards = st.builds(
    shard_of,
    st.dictionaries(st.sampled_from("abcd"), _of_items),
    st.dictionaries(st.sampled_from("abcd"), _counts),
    st.dictionaries(st.sampled_from(["course:a", "class:a", "school:b"]), _counts),
    partition=st.integers(0, 3),
    epoch=st.integers(0, 1),
    clock_us=st.integers(0, 9).map(EVERY_US.__mul__),
)


@given(st.lists(_shards, max_size=6), st.randoms(use_true_random=False))
def test_equal_input_has_equal_bytes_in_any_order(shards: Sequence[NormShard], random: Random) -> None:
    by_partition = {each.partition: each for each in shards}
    shuffled = dict(random.sample(list(by_partition.items()), len(by_partition)))
    one, other = publish(None, by_partition, {}, TOPIC), publish(None, shuffled, {}, TOPIC)

    assert (one is None) == (other is None)
    if one and other:
        assert one.encode() == other.encode()


@given(st.lists(_shards, max_size=6))
def test_it_does_not_matter_which_partition_sums_are_of(shards: Sequence[NormShard]) -> None:
    apart = [replace(each, partition=at, epoch=0, clock_us=0) for at, each in enumerate(shards)]
    reversed_ = [replace(each, partition=at) for at, each in enumerate(apart[::-1])]
    one, other = (publish(None, {each.partition: each for each in some}, {}, TOPIC) for some in (apart, reversed_))

    assert (one is None) == (other is None)
    if one and other:
        for name in ("items", "components", "cohorts"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


@given(st.lists(_shards, max_size=8))
def test_no_norm_is_ever_of_fewer_than_ten_students(shards: Sequence[NormShard]) -> None:
    previous: NormSnapshot | None = None
    for shard in shards:
        previous = publish(previous, {0: replace(shard, partition=0)}, {}, TOPIC) or previous
        if previous:
            assert all((getattr(previous, name)["students"] >= 10).all() for name in ("items", "components", "cohorts"))


def test_what_is_published_is_no_view_of_the_sums() -> None:
    shard = item(12, scored=3)
    published(None, shard)

    assert shard.items["scored"].tolist() == [3]


@pytest.mark.parametrize("table", ["items", "components", "cohorts"])
def test_norms_are_in_the_order_of_their_codes(table: str) -> None:
    names = [f"course:{at}" for at in range(40)]
    some, all_ = ({name: {"students": 20} for name in each} for each in (names[::2], names))
    first = published(None, shard_of(some, some, some))
    second = published(first, shard_of(all_, all_, all_, clock_us=2 * EVERY_US))

    codes = getattr(second, table)["code"].tolist()
    assert codes == sorted(set(codes))
    assert len(codes) == 40

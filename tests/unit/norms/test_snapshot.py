"""Shards and snapshots as bytes: read back as they were, named by their content, else refused."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.norms.item_sums import ITEM_NAME, ItemSums
from streams.norms.layout import ITEM_SUMS
from streams.norms.row_sums import sum_rows
from streams.norms.sealed import MAX_SEALED_BYTES, NormsUnreadable
from streams.norms.shard import NormShard, items_of
from streams.norms.snapshot import NormSnapshot
from tests.norms import APP_ID, EVERY_US, snapshot_of
from tests.unit.norms.students import NOW_US, PERIODS, in_course

SNAPSHOT = snapshot_of(
    items={"first": {"answers": 20, "wins": 12, "score": -3}, "second": {"students": 11}},
    components={"algebra": {"answers": 300, "wins": 200, "seen": [1, 2, 3, 4, 5, 6, 7]}},
    cohorts={"course:AAA-2013J": {"n": [9, 8, 7, 6, 5, 4]}, "school:ä": {"students": 40}},
    number=3,
    previous="0123456789abcdef",
    offsets=((0, 1, 41), (1, 2, -1)),
    aliases={"AAA-2014J": "AAA-2013J"},
)


def shard() -> NormShard:
    items = np.zeros(2, ITEM_SUMS)
    items["item"], items["answers"], items["recent"] = [3, 7], [2, 1], 9
    sums = sum_rows([in_course("a"), in_course("b")], PERIODS)
    named = items_of(ItemSums(items, np.array([b"three", b""], ITEM_NAME)))
    return NormShard(2, 1, 99, NOW_US, EVERY_US, -1, 4, 5, named, sums.components, sums.cohorts)


def test_counts_that_voids_took_below_nothing_are_nothing_in_a_shard() -> None:
    items = np.zeros(1, ITEM_SUMS)
    items["answers"], items["students"], items["score"] = -2, 12, -500
    [item] = items_of(ItemSums(items, np.array([b"an item"], ITEM_NAME)))

    assert (item["answers"], item["students"], item["score"]) == (0, 12, -500)


def same(one: object, other: object) -> bool:
    """Whether all fields are equal, arrays to the byte."""
    return all(
        a.tobytes() == b.tobytes() if isinstance(a, np.ndarray) else a == b
        for a, b in ((getattr(one, each.name), getattr(other, each.name)) for each in fields(SNAPSHOT))
    )


def refused(stored: bytes, app_id: str = APP_ID) -> str:
    with pytest.raises(NormsUnreadable) as caught:
        NormSnapshot.decode(stored, app_id)
    assert str(caught.value)
    return caught.value.reason


def test_a_snapshot_is_read_back_as_it_was() -> None:
    read = NormSnapshot.decode(SNAPSHOT.encode(), APP_ID)

    assert same(read, SNAPSHOT)
    assert read.version == SNAPSHOT.version
    assert read.encode() == SNAPSHOT.encode()
    assert read.epoch == 2


def test_a_shard_is_read_back_as_it_was() -> None:
    one = shard()
    read = NormShard.decode(one.encode())

    assert read.encode() == one.encode()
    assert (read.partition, read.epoch, read.offset, read.begin, read.given_up, read.left_out) == (2, 1, 99, -1, 4, 5)
    assert read.cohorts.tobytes() == one.cohorts.tobytes()


def test_a_shard_has_items_in_the_order_of_codes_and_nothing_of_any_student() -> None:
    items = shard().items

    assert items["code"].tolist() == [3, 7]
    assert items["name"].tolist() == [b"three", b""]
    assert items["answers"].tolist() == [2, 1]
    assert "recent" not in (items.dtype.names or ())


def test_equal_norms_have_equal_bytes_and_others_another_version() -> None:
    again = replace(SNAPSHOT, number=3)
    other = replace(SNAPSHOT, number=4)

    assert again.encode() == SNAPSHOT.encode()
    assert len(other.version) == 16
    assert bytes.fromhex(other.version) == other.key
    assert other.version != SNAPSHOT.version


def test_the_layout_is_the_one_that_is_published() -> None:
    """Whoever changes what is stored changes the number of its version, too (`streams.norms.sealed`)."""
    assert SNAPSHOT.version == "8b38ccf737e7db07"


def test_damaged_cut_or_foreign_bytes_are_refused() -> None:
    stored = SNAPSHOT.encode()

    assert refused(b"") == "foreign"
    assert refused(b'{"number": 1}') == "foreign"
    assert refused(stored[:20]) == "incomplete"
    assert refused(stored[:-1]) == "incomplete"
    assert refused(stored + b"0") == "damaged"
    assert refused(stored[:-3] + b"\1" + stored[-2:]) == "damaged"
    assert refused(stored[:8] + b"\x09" + stored[9:]) == "version"
    assert refused(shard().encode()) == "foreign"
    assert refused(stored, "another") == "foreign"
    assert refused(bytes(MAX_SEALED_BYTES + 1)) == "too_large"


def test_records_out_of_order_are_refused() -> None:
    assert refused(replace(SNAPSHOT, items=SNAPSHOT.items[::-1]).encode()) == "damaged"


@given(st.data())
def test_no_other_bytes_are_read(data: st.DataObject) -> None:
    stored = bytearray(SNAPSHOT.encode())
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(stored)))

    refused(bytes(stored))
    refused(bytes(stored[:cut]))


@given(st.binary(max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    refused(garbage)
    with pytest.raises(NormsUnreadable):
        NormShard.decode(garbage)

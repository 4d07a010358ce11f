"""Rows by partition and key."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.rows.table import PartitionedRows

ADDRESSES = st.tuples(st.integers(0, 3), st.binary(max_size=2))


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(ADDRESSES, st.none() | st.binary(max_size=3)), max_size=60))
def test_it_holds_the_last_row_of_each_address_and_nothing_deleted(
    writes: list[tuple[tuple[int, bytes], bytes | None]],
) -> None:
    rows = PartitionedRows()
    for (partition, key), row in writes:
        rows.put(partition, key, row)

    kept = {address: row for address, row in dict(writes).items() if row is not None}
    assert len(rows) == len(kept)
    assert {(p, key): row for p in range(4) for key, row in rows.items(p)} == kept
    assert rows.partitions() == {partition for partition, _ in kept}
    for (partition, key), _ in writes:
        assert rows.get(partition, key) == kept.get((partition, key))


def test_one_key_on_two_partitions_is_two_rows() -> None:
    rows = PartitionedRows()
    rows.put(0, b"student", b"here")
    rows.put(1, b"student", b"there")
    assert (rows.get(0, b"student"), rows.get(1, b"student"), rows.get(2, b"student")) == (b"here", b"there", None)


def test_a_dropped_partition_takes_its_rows_and_no_others() -> None:
    rows = PartitionedRows()
    rows.put_many(0, {b"a": b"1", b"b": b"2"})
    rows.put_many(1, {b"a": b"3", b"gone": None})
    rows.drop_partition(0)
    rows.drop_partition(7)
    assert (dict(rows.items(0)), dict(rows.items(1)), len(rows)) == ({}, {b"a": b"3"}, 1)

"""What every store of rows promises, asked of all of them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.stores import MemoryStore, Store
from agents.stores.rocksdb import RocksRows
from streams.input.checkpoint import CHECKPOINT_KEY
from streams.norms.journal_keys import entry_key, page_key
from streams.rows.segments import segment_key
from streams.rows.table import PartitionedRows, Rows
from tests.agents.logged import Logged, logged

PARTITIONS = 3
Change = tuple[int, bytes, bytes | None]
ROWS = st.none() | st.binary(max_size=3)
CHANGES = st.lists(st.tuples(st.integers(0, PARTITIONS - 1), st.binary(max_size=2), ROWS), max_size=60)


@contextmanager
def memory() -> Iterator[Store]:
    yield MemoryStore()


@contextmanager
def rocksdb() -> Iterator[Store]:
    with TemporaryDirectory() as folder:
        store = RocksRows(Path(folder), memory_mb=16)
        try:
            yield store
        finally:
            store.close()


Make = Callable[[], AbstractContextManager[Store]]
STORES: dict[str, Make] = {"memory": memory, "rocksdb": rocksdb}


@pytest.fixture(params=STORES)
def opened(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORES[request.param]() as store:
        yield store


def all_rows(rows: Rows) -> dict[tuple[int, bytes], bytes]:
    return {(partition, key): row for partition in range(PARTITIONS) for key, row in rows.items(partition)}


def assert_holds(rows: Rows, kept: dict[tuple[int, bytes], bytes], asked: Sequence[tuple[int, bytes]]) -> None:
    assert all_rows(rows) == kept
    assert len(rows) == len(kept)
    assert rows.partitions() == {partition for partition, _ in kept}
    for partition in range(PARTITIONS):
        keys = [key for of, key in asked if of == partition]
        expected = [kept.get((partition, key)) for key in keys]
        assert rows.get_many(partition, keys) == expected
        assert [rows.get(partition, key) for key in keys] == expected
        assert rows.count(partition) == sum(of == partition for of, _ in kept)


def test_the_rows_of_a_replay_are_rows_too() -> None:
    rows: Rows = PartitionedRows()
    rows.put(0, b"a", b"1")
    assert rows.get_many(0, [b"a", b"b"]) == [b"1", None]


@pytest.mark.parametrize("make", STORES.values(), ids=STORES)
@settings(deadline=None, max_examples=15)  # the machine may be busy
@given(CHANGES)
def test_it_holds_the_last_row_of_each_address_and_nothing_deleted(make: Make, changes: list[Change]) -> None:
    with make() as store:
        for partition, key, row in changes:
            store.put(partition, key, row)
        last = {(partition, key): row for partition, key, row in changes}
        kept = {address: row for address, row in last.items() if row is not None}
        assert_holds(store, kept, list(last))


@pytest.mark.parametrize("make", STORES.values(), ids=STORES)
@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["write", "write", "confirm", "confirm", "read", "drop"]),
            st.integers(0, PARTITIONS - 1),
            st.dictionaries(st.binary(max_size=1), ROWS, min_size=1, max_size=4),
        ),
        max_size=40,
    )
)
def test_what_is_seen_depends_on_the_changes_alone_and_not_on_what_is_confirmed_when(
    make: Make, steps: list[tuple[str, int, dict[bytes, bytes | None]]]
) -> None:
    kept: dict[tuple[int, bytes], bytes] = {}
    seen: dict[tuple[int, bytes], None] = {}
    unconfirmed: dict[int, list[tuple[int, list[Logged]]]] = {partition: [] for partition in range(PARTITIONS)}
    ends = dict.fromkeys(range(PARTITIONS), 0)
    with make() as store:
        for step, partition, rows in steps:
            if step == "confirm":
                for ticket, records in unconfirmed[partition][:1]:
                    store.confirm(partition, ticket, records, records[0].offset, records[-1].offset)
                    del unconfirmed[partition][0]
                continue
            if step == "drop":  # what was on its way then arrives too late
                store.drop_partition(partition)
                kept = {address: row for address, row in kept.items() if address[0] != partition}
                for ticket, records in unconfirmed[partition]:
                    store.confirm(partition, ticket, records, records[0].offset, None)
                unconfirmed[partition].clear()
                continue
            records = logged(ends[partition], *rows.items())
            if step == "write":
                unconfirmed[partition].append((store.stage(partition, rows), records))
            elif unconfirmed[partition]:
                continue  # a partition is either owned or followed
            else:
                store.restore(partition, records)
            ends[partition] += len(records)
            for key, row in rows.items():
                kept.pop((partition, key), None)
                seen[partition, key] = None
                if row is not None:
                    kept[partition, key] = row
            assert_holds(store, kept, list(seen))
        assert_holds(store, kept, list(seen))


@pytest.mark.parametrize("row", [b"2", None], ids=["replaced", "deleted"])
@pytest.mark.parametrize("first", [b"1", None], ids=["there", "not there"])
def test_rows_that_are_confirmed_after_they_were_read_are_counted(
    opened: Store, first: bytes | None, row: bytes | None
) -> None:
    """What was read says what is on disk, but only until something is written there."""
    opened.restore(0, logged(0, (b"a", first)))
    assert opened.get_many(0, [b"a"]) == [first]
    opened.restore(0, logged(1, (b"a", b"another's")))

    ticket = opened.stage(0, {b"a": row})
    opened.confirm(0, ticket, logged(2, (b"a", row)), 2, 2)

    assert_holds(opened, {} if row is None else {(0, b"a"): row}, [(0, b"a")])


def test_one_key_on_two_partitions_is_two_rows(opened: Store) -> None:
    opened.put(0, b"student", b"here")
    opened.put(1, b"student", b"there")
    found = (opened.get(0, b"student"), opened.get(1, b"student"), opened.get(2, b"student"))
    assert found == (b"here", b"there", None)


def test_a_dropped_partition_takes_its_rows_and_no_others(opened: Store) -> None:
    opened.put_many(0, {b"a": b"1", b"b": b"2"})
    opened.restore(1, logged(0, (b"a", b"3"), (b"gone", None)))
    opened.restore(2, logged(0, (b"a", b"4")))
    opened.drop_partition(0)
    opened.drop_partition(2)
    opened.drop_partition(7)
    assert all_rows(opened) == {(1, b"a"): b"3"}
    assert len(opened) == 1

    opened.put(2, b"b", b"5")
    assert all_rows(opened) == {(1, b"a"): b"3", (2, b"b"): b"5"}


def test_marks_on_the_changelog_are_no_rows(opened: Store) -> None:
    opened.restore(0, logged(0, (b"a", b"1"), (CHECKPOINT_KEY, b"mark"), (b"a", b"2"), (b"b", b"3"), (b"b", None)))
    ticket = opened.stage(0, {b"c": b"4"})
    opened.confirm(0, ticket, logged(5, (b"c", b"4"), (CHECKPOINT_KEY, b"another")), 5, 6)
    assert_holds(opened, {(0, b"a"): b"2", (0, b"c"): b"4"}, [(0, b"a"), (0, b"b"), (0, b"c")])


FIRST, SECOND, LONGER = segment_key(b"ada", 0), segment_key(b"ada", 1), segment_key(b"ada\x00b", 0)
OTHERS = segment_key(b"adam", 0)


def test_segments_are_kept_beside_the_rows_and_are_none(opened: Store) -> None:
    opened.restore(0, logged(0, (FIRST, b"00"), (b"ada", b"1"), (OTHERS, b"22"), (CHECKPOINT_KEY, b"mark")))
    staged = {SECOND: b"11", b"ada": b"2", LONGER: b"33"}
    ticket = opened.stage(0, staged)

    for state in ("staged", "confirmed"):
        if state == "confirmed":
            opened.confirm(0, ticket, logged(4, *staged.items()), 4, 6)
        assert opened.get_many(0, [SECOND, b"ada", FIRST, b"gone", OTHERS]) == [b"11", b"2", b"00", None, b"22"]
        assert [opened.get(0, key) for key in (FIRST, SECOND, LONGER)] == [b"00", b"11", b"33"]
        assert opened.get(1, FIRST) is None
        assert sorted(opened.segments(0, b"ada")) == [FIRST, SECOND]
        assert opened.segments(1, b"ada") == opened.segments(0, b"a") == []
        assert_holds(opened, {(0, b"ada"): b"2"}, [(0, b"ada")])

    ticket = opened.stage(0, {FIRST: None})
    assert opened.segments(0, b"ada") == [SECOND]
    opened.confirm(0, ticket, logged(7, (FIRST, None)), 7, 7)
    opened.restore(0, logged(8, (SECOND, None)))
    assert opened.segments(0, b"ada") == []
    assert (opened.get(0, FIRST), opened.get(0, SECOND), opened.count(0)) == (None, None, 1)


def test_a_dropped_partition_takes_its_segments(opened: Store) -> None:
    for partition in (0, 1):
        opened.put_many(partition, {FIRST: b"00", b"ada": b"1"})

    opened.drop_partition(0)

    assert [opened.get(partition, FIRST) for partition in (0, 1)] == [None, b"00"]
    assert opened.segments(0, b"ada") == []


def test_frozen_rows_are_those_of_their_moment_in_whichever_thread(opened: Store) -> None:
    opened.restore(0, logged(0, (b"a", b"1"), (b"b", b"2"), (CHECKPOINT_KEY, b"mark"), (entry_key(0), b"entry")))
    opened.stage(0, {b"b": b"3", b"c": b"4", FIRST: b"00"})
    opened.stage(1, {b"a": b"another's"})
    frozen = opened.frozen(0)

    opened.restore(0, logged(4, (b"a", b"5"), (b"d", b"6")))
    opened.stage(0, {b"b": None, b"c": b"7"})
    opened.drop_partition(0)

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(sorted, frozen).result() == [b"1", b"3", b"4"]
    assert list(opened.frozen(0)) == list(opened.frozen(7)) == []


def test_a_journal_of_norms_is_no_rows(opened: Store) -> None:
    opened.restore(0, logged(0, (entry_key(7), b"entry"), (b"a", b"1"), (page_key(3), b"page")))
    ticket = opened.stage(0, {b"b": b"2"})
    opened.confirm(0, ticket, logged(3, (b"b", b"2"), (entry_key(8), b"entry")), 3, 4)
    assert_holds(opened, {(0, b"a"): b"1", (0, b"b"): b"2"}, [(0, b"a"), (0, b"b")])


def test_empty_changes_change_nothing(opened: Store) -> None:
    opened.put_many(0, {})
    opened.restore(1, [])
    opened.confirm(2, opened.stage(2, {}), [], 0, None)
    assert_holds(opened, {}, [(0, b"")])

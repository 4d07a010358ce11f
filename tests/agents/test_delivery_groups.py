"""Rows in groups: each one record batch, with what closes it, so that the log may be cut between any two."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.faust.table import RowTable
from agents.stores.rocksdb import RocksRows
from streams.input.checkpoint import CHECKPOINT_KEY, CHECKPOINT_VERSION, InputCheckpoint, decode_checkpoint
from streams.norms.journal import RowGroup
from streams.norms.journal_keys import entry_key, page_key
from tests.agents.table_log import P, TableLog

ROWS = st.dictionaries(st.binary(min_size=1, max_size=2), st.none() | st.binary(min_size=1, max_size=90), max_size=8)
STEPS = st.lists(st.tuples(ROWS, st.sets(st.integers(1, 7), max_size=3)), min_size=1, max_size=6)
CHECKPOINT = InputCheckpoint(CHECKPOINT_VERSION, "id", 4, 0, 17)
ENTRY, PAGE = entry_key(0), page_key(0)


@dataclass
class Totals:
    """A journal whose entries say how many bytes all rows up to them have."""

    rows: dict[bytes, bytes | None] = field(default_factory=dict)
    number: int = 0

    def groups(self, rows: Mapping[bytes, bytes | None], cuts: set[int]) -> list[RowGroup]:
        ends = sorted({cut for cut in cuts if cut < len(rows)} | {len(rows)})
        return [self._group(dict([*rows.items()][begin:end])) for begin, end in zip([0, *ends], ends, strict=False)]

    def _group(self, rows: Mapping[bytes, bytes | None]) -> RowGroup:
        self.rows |= rows
        self.number += 1
        return RowGroup(len(rows), {entry_key(self.number): b"%d %d" % (self.number, bytes_of(self.rows))})


def bytes_of(rows: Mapping[bytes, bytes | None]) -> int:
    return sum(len(row) for row in rows.values() if row is not None)


def last_total(table: RowTable) -> int:
    entries = (entry.split() for entry in table.norm_records.get(P, {}).values())
    return max(((int(number), int(total)) for number, total in entries), default=(0, 0))[1]


@settings(deadline=None, max_examples=15)
@given(STEPS, st.booleans())
def test_at_any_cut_of_the_log_the_journal_says_what_the_rows_before_it_are(
    steps: list[tuple[dict[bytes, bytes | None], set[int]]], compacted: bool
) -> None:
    async def cut_everywhere() -> None:
        log, totals = TableLog(), Totals()
        table = log.table()
        for rows, cuts in steps:
            await table.put_batch(P, rows, CHECKPOINT, totals.groups(rows, cuts))
        for cut in range(len(log.batches) + 1):
            restored = await log.restored(cut, compacted=compacted)
            assert last_total(restored) == bytes_of(dict(restored.rows.items(P)))
        assert restored.norm_records == table.norm_records
        assert dict(restored.rows.items(P)) == dict(table.rows.items(P))

    asyncio.run(cut_everywhere())


async def test_a_group_is_one_record_batch_however_large_and_the_checkpoint_ends_the_last() -> None:
    log = TableLog(room=200)
    rows: dict[bytes, bytes | None] = {b"%d" % number: b"r" * 100 for number in range(9)}

    await log.table().put_batch(P, rows, CHECKPOINT, [RowGroup(7, {ENTRY: b"e" * 500}), RowGroup(2, {PAGE: b"p"})])

    keys = [[key for key, _ in batch] for batch in log.batches]
    assert keys == [[b"%d" % number for number in range(7)] + [ENTRY], [b"7", b"8", PAGE, CHECKPOINT_KEY]]
    assert decode_checkpoint(log.batches[-1][-1][1] or b"").rows == 9


async def test_without_groups_rows_go_in_as_few_batches_as_they_fit() -> None:
    log = TableLog(room=200)
    await log.table().put_batch(P, {b"%d" % number: b"r" * 90 for number in range(5)}, CHECKPOINT)
    assert [len(batch) for batch in log.batches[:2]] == [2, 2]


@pytest.mark.parametrize("of_rows", [1, 3])
async def test_groups_of_other_rows_are_refused_before_anything_changes(of_rows: int) -> None:
    log = TableLog()
    table = log.table()
    with pytest.raises(ValueError, match=f"{of_rows} rows are in groups, of 2"):
        await table.put_batch(P, {b"a": b"1", b"b": b"2"}, CHECKPOINT, [RowGroup(of_rows, {ENTRY: b"e"})])
    assert (log.batches, len(table.rows), dict(table.norm_records), dict(table.checkpoints)) == ([], 0, {}, {})


async def test_what_another_worker_wrote_over_the_journal_and_its_rows_is_written_over_in_one_batch() -> None:
    log = TableLog(room=1)
    table = log.table()
    await table.put_batch(P, {b"a": b"1"}, CHECKPOINT, [RowGroup(1, {ENTRY: b"ours"})])

    assert table.held(P, ENTRY) == b"ours"
    await table.put_again(P, [b"a", ENTRY, PAGE])

    assert log.batches[-1] == [(b"a", b"1"), (ENTRY, b"ours"), (PAGE, None)]


async def test_a_partition_that_moves_away_takes_its_journal() -> None:
    log = TableLog()
    await log.table().put_batch(P, {b"a": b"1"}, None, [RowGroup(1, {ENTRY: b"e"})])
    restored = await log.restored()
    assert restored.norm_records == {P: {ENTRY: b"e"}}

    await restored.on_rebalance(set(), set(), set())

    assert restored.norm_records == {}
    assert restored.held(P, ENTRY) is None


async def test_a_journal_on_disk_outlives_a_restart_of_which_nothing_is_read_again(tmp_path: Path) -> None:
    log = TableLog()
    store = RocksRows(tmp_path, memory_mb=16)
    store.adopt("log")
    await log.table(store).put_batch(P, {b"a": b"1"}, CHECKPOINT, [RowGroup(1, {ENTRY: b"e", PAGE: b"p"})])
    await asyncio.sleep(0)
    store.close()

    restored = await TableLog().restored(store=RocksRows(tmp_path, memory_mb=16))

    assert restored.norm_records == {P: {ENTRY: b"e", PAGE: b"p"}}
    assert dict(restored.rows.items(P)) == {b"a": b"1"}
    assert decode_checkpoint(restored.checkpoints[P]).offset == 17
    cast(RocksRows, restored.rows).close()

"""The store on disk: what outlives the process, and what is not believed."""

import logging
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents.stores.errors import LogRewound, StoreFailed, StoreInUse
from agents.stores.rocksdb import RocksRows
from streams.input.checkpoint import CHECKPOINT_KEY
from tests.agents.delivery_cluster import until
from tests.agents.logged import logged, write
from tests.agents.store_writer import KEYS

LOG = "cluster/log/id"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def opened(folder: Path) -> RocksRows:
    store = RocksRows(folder, memory_mb=16)
    if store.log is None:
        store.adopt(LOG)
    return store


@pytest.fixture
def filled(folder: Path) -> Path:
    """A store with 6 MB in files, closed."""
    store = opened(folder)
    for first in range(0, 6_000, 1_000):
        write(store, 3, first, *((b"student-%05d" % key, os.urandom(1_000)) for key in range(first, first + 1_000)))
    store.close()
    return folder


# -- what outlives the process


def test_confirmed_rows_outlive_a_restart_with_their_count_mark_and_offset(folder: Path) -> None:
    store = opened(folder)
    write(store, 0, 0, (b"a", b"1"), (b"b", b"2"), (CHECKPOINT_KEY, b"mark"))
    write(store, 0, 3, (b"a", None))
    store.restore(5, logged(70, (b"x", b"9")))
    store.close()

    store = opened(folder)
    assert dict(store.checkpoints()) == {0: 3, 5: 70}
    assert (dict(store.items(0)), dict(store.items(5))) == ({b"b": b"2"}, {b"x": b"9"})
    assert (len(store), store.count(0)) == (2, 1)
    assert store.partitions() == {0, 5}
    assert store.get(0, CHECKPOINT_KEY) == b"mark"
    store.close()


def test_rows_that_the_changelog_has_not_confirmed_are_seen_now_but_not_after_a_restart(folder: Path) -> None:
    store = opened(folder)
    write(store, 0, 0, (b"a", b"old"))
    store.stage(0, {b"a": b"new", b"b": b"new"})
    store.put(0, b"c", b"new")
    assert (store.get(0, b"a"), len(store)) == (b"new", 3)
    store.close()

    store = opened(folder)
    assert dict(store.items(0)) == {b"a": b"old"}
    assert (len(store), dict(store.checkpoints())) == (1, {0: 0})
    store.close()


def test_a_late_confirmation_of_an_older_row_does_not_hide_the_newer_one(folder: Path) -> None:
    store = opened(folder)
    first, second = store.stage(0, {b"a": b"1"}), store.stage(0, {b"a": b"2"})
    store.confirm(0, first, logged(0, (b"a", b"1")), 0, 0)
    assert store.get(0, b"a") == b"2"
    store.confirm(0, second, logged(1, (b"a", b"2")), 1, 1)
    store.close()
    store = opened(folder)
    assert (store.get(0, b"a"), len(store)) == (b"2", 1)
    store.close()


def test_where_somebody_else_wrote_in_between_a_restart_reads_again_from_there(folder: Path) -> None:
    store = opened(folder)
    write(store, 0, 0, (b"a", b"1"))
    ticket = store.stage(0, {b"a": b"2"})
    store.confirm(0, ticket, logged(5, (b"a", b"2")), 5, reached=0)
    assert dict(store.checkpoints()) == {0: 0}

    again = store.stage(0, {})  # the guard has read the gap, and appends what it found overwritten
    store.confirm(0, again, logged(6, (b"b", None), (b"a", b"2")), 6, reached=7)
    assert dict(store.checkpoints()) == {0: 7}
    assert store.notes()[0].highest == 7
    store.close()


def test_a_partition_that_comes_back_knows_nothing_of_its_former_stay(folder: Path) -> None:
    store = opened(folder)
    ticket = store.stage(0, {b"a": b"1"})
    store.drop_partition(0)
    store.restore(0, logged(0, (b"a", b"of another worker")))
    store.confirm(0, ticket, logged(1, (b"a", b"1")), 1, None)
    assert (store.get(0, b"a"), dict(store.checkpoints())) == (b"of another worker", {0: 0})
    store.close()

    store = opened(folder)
    store.drop_partition(0)
    store.close()
    store = opened(folder)
    assert (dict(store.items(0)), dict(store.checkpoints()), len(store)) == ({}, {}, 0)
    store.close()


@pytest.mark.parametrize("batches", [5, 60, 200])
def test_kill_nine_leaves_the_rows_the_count_and_the_offset_of_one_moment(folder: Path, batches: int) -> None:
    command = [sys.executable, "-m", "tests.agents.store_writer", str(folder), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= batches:
                break
        writer.send_signal(signal.SIGKILL)

    store = opened(folder)
    rows, note = dict(store.items(0)), store.notes().get(0)
    if note is None or note.applied < 0:
        assert rows == {}
    else:
        # Every batch says one number in all of its rows, so any mixture of two moments would show.
        numbers = {int(row.split(b" ")[0]) for row in rows.values()}
        assert len(numbers) == 1
        assert len(rows) == len(store) == min(KEYS, numbers.pop() + 1)
    if batches > 60:
        assert note is not None
        assert note.applied > 0, "nothing was written out: this proves nothing"
    store.close()


def test_rows_of_another_changelog_are_dropped(folder: Path) -> None:
    store = opened(folder)
    write(store, 0, 0, (b"a", b"1"))
    store.adopt("another")
    assert (len(store), dict(store.checkpoints())) == (0, {})
    store.close()
    store = opened(folder)
    assert (store.log, len(store)) == ("another", 0)
    store.close()


# -- what is not believed


@pytest.mark.parametrize("pattern", ["*.sst", "MANIFEST-*", "CURRENT"])
@pytest.mark.parametrize("harm", ["removed", "cut", "overwritten"])
def test_a_damaged_store_starts_empty_or_fails_once_and_is_then_restored(
    filled: Path, pattern: str, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    for path in filled.glob(f"rows/{pattern}"):
        damage(path, harm)
    caplog.set_level(logging.WARNING)

    store = opened(filled)
    if store.checkpoints():  # nothing of it was read yet: the damage shows when it is
        with pytest.raises(StoreFailed, match="restores it from the changelog"):
            list(store.items(3))
        assert store.log is None
        store.close()
        store = opened(filled)
    elif (pattern, harm) != ("MANIFEST-*", "cut"):  # that is what a crash leaves: RocksDB goes back in time
        assert "is damaged" in caplog.text
    assert (dict(store.checkpoints()), len(store), list(store.items(3))) == ({}, 0, [])
    store.restore(3, logged(0, (b"a", b"1")))
    store.close()

    store = opened(filled)
    assert dict(store.items(3)) == {b"a": b"1"}
    store.close()


@pytest.mark.parametrize("many", [False, True])
def test_a_damaged_block_is_an_error_and_never_a_missing_row(filled: Path, many: bool) -> None:
    for path in filled.glob("rows/*.sst"):
        damage(path, "overwritten")
    store = opened(filled)
    keys = [b"student-%05d" % key for key in range(6_000)]
    with pytest.raises(StoreFailed, match="block checksum mismatch"):
        assert None not in (store.get_many(3, keys) if many else [store.get(3, key) for key in keys])
    store.close()


def test_damage_that_frozen_rows_meet_in_another_thread_is_an_error_and_the_store_is_not_used_again(
    filled: Path,
) -> None:
    for path in filled.glob("rows/*.sst"):
        damage(path, "overwritten")
    store = opened(filled)
    with ThreadPoolExecutor(1) as thread, pytest.raises(StoreFailed, match="restores it from the changelog"):
        thread.submit(list, store.frozen(3)).result()
    assert store.log is None
    store.close()


def test_a_deleted_store_is_empty(filled: Path) -> None:
    shutil.rmtree(filled / "rows")
    store = opened(filled)
    assert (dict(store.checkpoints()), len(store)) == ({}, 0)
    store.close()
    shutil.rmtree(filled)
    store = opened(filled)
    assert (dict(store.checkpoints()), len(store)) == ({}, 0)
    store.close()


def test_a_full_disk_is_an_error_and_the_store_is_used_no_more(folder: Path) -> None:
    command = [sys.executable, "-m", "tests.agents.store_writer", str(folder), str(400_000)]
    writer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert writer.returncode == 3, writer.stderr
    assert "File too large" in writer.stderr
    assert "restores it from the changelog" in writer.stderr

    store = RocksRows(folder, memory_mb=16)
    assert (store.log, len(store)) == (None, 0)
    store.close()


def test_a_changelog_that_goes_back_is_noticed(folder: Path) -> None:
    store = opened(folder)
    write(store, 0, 0, (b"a", b"1"), (b"b", b"1"))
    with pytest.raises(LogRewound, match="offset 1"):
        write(store, 0, 1, (b"a", b"2"))
    store.close()
    assert opened_log(folder) is None


def opened_log(folder: Path) -> str | None:
    store = RocksRows(folder, memory_mb=16)
    try:
        return store.log
    finally:
        store.close()


def test_a_store_in_use_stays_as_it_is(filled: Path) -> None:
    first = opened(filled)
    with pytest.raises(StoreInUse):
        RocksRows(filled, memory_mb=16)
    assert len(first) == 6_000
    first.close()
    assert opened_log(filled) == LOG


# -- memory


def test_cache_and_write_buffers_of_all_partitions_stay_within_one_budget(folder: Path) -> None:
    store = opened(folder)
    budget = 16 * 1024 * 1024
    rows = {b"%d" % key: os.urandom(1_000) for key in range(500)}
    written_out = 0
    for turn in range(20):
        for partition in range(8):
            write(store, partition, turn * 500, *rows.items())
            written_out += sum(map(len, rows.values()))
            # What is being written out still counts, for as long as the disk takes.
            until(lambda: store.budget.cache.get_usage() <= 1.5 * budget, "the memory is within its budget")
    assert written_out > 4 * budget
    for partition in range(8):
        assert sum(1 for _ in store.items(partition)) == 500
        assert store.budget.cache.get_usage() <= 1.5 * budget
    store.close()


def damage(path: Path, how: str) -> None:
    if how == "removed":
        path.unlink()
    elif how == "cut":
        os.truncate(path, path.stat().st_size // 3)
    else:
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(size // 4)
            file.write(b"\xde\xad" * max(1, size // 8))

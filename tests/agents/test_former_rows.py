"""What was stored of an erased student leaves the disk, whoever wrote it, and whenever the worker ended."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from agents.stores.rocksdb import RocksRows
from streams.rows.codec import encode_row
from streams.rows.enrolment import EnrolmentIds, enrolment_section
from streams.rows.row import Row
from streams.rows.segments import segment_key
from tests.agents.logged import logged, write
from tests.agents.test_stores import opened

STUDENT: Final = b"ada"
CLASS: Final = b"canary-class"
SEALED: Final = b"canary-of-a-segment"
FORMER: Final = encode_row(Row(events=3, enrolment=enrolment_section(EnrolmentIds(class_id=CLASS.decode()))))
TOMBSTONE: Final = encode_row(Row(erased_us=1_700_000_000_000_000))
OTHERS: Final = [(b"student-%04d" % number, FORMER.replace(CLASS, b"others-class")) for number in range(400)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def words_in(folder: Path) -> set[bytes]:
    """What is of the student in any file of the store."""
    files = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return {word for word in (CLASS, SEALED) if any(word in file for file in files)}


def written_out(folder: Path, *, restarts: int = 2) -> RocksRows:
    """A store that has the student's row and a segment in its files, some of them written over by others' since."""
    store = opened(folder)
    write(store, 3, 0, *OTHERS, (STUDENT, FORMER), (segment_key(STUDENT, 0), SEALED))
    for restart in range(restarts):
        store.close()
        store = opened(folder)
        write(store, 3, 1_000 * (restart + 1), *OTHERS)
    store.close()
    assert words_in(folder) == {CLASS, SEALED}
    return opened(folder)


def erase(store: RocksRows, first: int = 5_000) -> None:
    write(store, 3, first, (STUDENT, TOMBSTONE), (segment_key(STUDENT, 0), None))


def test_no_file_holds_what_was_stored_of_an_erased_student(folder: Path) -> None:
    store = written_out(folder)
    erase(store)
    assert (store.former_rows(), words_in(folder)) == (1, {CLASS, SEALED})

    assert store.remove_former_rows() == 1

    assert (words_in(folder), store.former_rows()) == (set(), 0)
    assert store.get(3, STUDENT) == TOMBSTONE
    assert store.count(3) == len(OTHERS) + 1
    store.close()
    assert words_in(folder) == set()


def test_a_standby_removes_it_too(folder: Path) -> None:
    store = written_out(folder)
    store.restore(3, logged(5_000, (STUDENT, TOMBSTONE), (segment_key(STUDENT, 0), None)))

    assert store.remove_former_rows() == 1
    assert words_in(folder) == set()
    store.close()


def test_a_worker_that_ends_before_it_goes_on_with_it_at_its_next_start(folder: Path) -> None:
    store = written_out(folder, restarts=1)  # with one more, RocksDB compacts of its own accord
    erase(store)
    store.close()
    assert words_in(folder) == {CLASS, SEALED}

    store = opened(folder)
    assert store.remove_former_rows() == 1
    assert words_in(folder) == set()
    store.close()


def test_a_student_who_came_back_keeps_what_is_new_and_nothing_else(folder: Path) -> None:
    store = written_out(folder)
    back = encode_row(Row(events=1, erased_us=1_700_000_000_000_000))
    store.restore(3, logged(5_000, (segment_key(STUDENT, 0), None), (STUDENT, back)))

    assert store.remove_former_rows() == 1
    assert (words_in(folder), store.get(3, STUDENT)) == (set(), back)
    write(store, 3, 6_000, (STUDENT, encode_row(Row(events=2, erased_us=1_700_000_000_000_000))))
    assert store.former_rows() == 0, "the same erasure"
    store.close()


def test_segments_that_are_still_to_be_deleted_are_waited_for(folder: Path) -> None:
    store = written_out(folder)
    write(store, 3, 5_000, (STUDENT, TOMBSTONE))
    assert store.remove_former_rows() == 0

    write(store, 3, 5_001, (segment_key(STUDENT, 0), None))
    assert store.remove_former_rows() == 1
    assert words_in(folder) == set()
    store.close()


def test_a_partition_that_moves_on_takes_its_files_and_what_was_to_be_done(folder: Path) -> None:
    store = written_out(folder)
    erase(store)
    store.drop_partition(3)

    assert (store.former_rows(), store.remove_former_rows()) == (0, 0)
    store.close()
    assert words_in(folder) == set()


def test_a_partition_may_move_on_and_come_back_while_its_files_are_written_anew(folder: Path) -> None:
    store = written_out(folder)
    with ThreadPoolExecutor(1) as thread:
        for first in range(5_000, 9_000, 1_000):
            erase(store, first)
            removing = thread.submit(store.remove_former_rows)
            store.drop_partition(3)
            assert removing.result() in (0, 1)
            store.restore(3, logged(0, *OTHERS, (STUDENT, FORMER)))

    assert dict(store.items(3)) == {**dict(OTHERS), STUDENT: FORMER}
    store.close()


def test_rows_that_are_read_while_files_are_written_anew_are_whole(folder: Path) -> None:
    store = written_out(folder)
    erase(store)
    rows = store.items(3)
    first = next(rows)

    store.remove_former_rows()

    assert dict([first, *rows]) == {**dict(OTHERS), STUDENT: TOMBSTONE}
    store.close()
    assert words_in(folder) == set()


def test_who_was_never_stored_leaves_nothing_to_do(folder: Path) -> None:
    store = written_out(folder)
    write(store, 3, 5_000, (b"nobody", TOMBSTONE))

    assert (store.former_rows(), store.remove_former_rows()) == (0, 0)
    store.close()

"""Batches that take long: the loop goes on meanwhile, and parts of bounded size come to what the whole would."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from agents.worker.student_step import is_long, most_students
from agents.worker.work_thread import WorkThread
from schemas.dialects import Record
from schemas.errors import Fatal
from streams.replay import FileRecord
from tests.events import NOW_MS, raw, record
from tests.stepped import CHANNELS, Stepped, owning_partition

PARTITION = 0


def on_owning(count: int) -> list[str]:
    """Students of the partition."""
    found = (
        student for number in range(count * 20) if owning_partition((student := f"s{number}").encode()) == PARTITION
    )
    return [next(found) for _ in range(count)]


def some_records(students_of: Sequence[str]) -> list[Record]:
    return [record(raw(student=one, minute=n), n, partition=PARTITION) for n, one in enumerate(students_of)]


@pytest.mark.parametrize("most", [1, 7, 60, 10_000])
def test_parts_of_a_batch_come_to_what_the_whole_does(most: int) -> None:
    taken = some_records(on_owning(60) * 2)
    whole, parted = Stepped(), Stepped(most_students=most)
    expected = whole.take(CHANNELS.activity, PARTITION, taken)

    found = parted.take(CHANNELS.activity, PARTITION, taken)

    assert found.rows == expected.rows
    assert parted.counts == whole.counts
    assert parted.parts >= 60 // most
    last = {output.key: output.value for output in found.outputs}
    assert last == {output.key: output.value for output in expected.outputs}


def test_a_long_batch_is_folded_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop must run before the fold can end: so it stood still for none of it."""
    stepped, loop_ran = Stepped(), threading.Event()
    load = stepped.rows.get_many

    def waiting_load(partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        assert loop_ran.wait(60), "the loop stands still while a batch is folded"
        return load(partition, keys)

    monkeypatch.setattr(stepped.rows, "get_many", waiting_load)

    async def run() -> None:
        taken = some_records(on_owning(1) * 1_000)
        folding = asyncio.create_task(stepped.take_on(CHANNELS.activity, PARTITION, taken))
        await asyncio.sleep(0)
        loop_ran.set()
        await folding

    asyncio.run(run())
    assert stepped.counts.records_in == 1_000


def test_one_large_record_is_long_as_well() -> None:
    assert is_long([record(b"x" * 100_000)])
    assert not is_long([record(b"x")] * 3)


def test_internal_topics_come_in_parts_too() -> None:
    stepped = Stepped()
    requests = [FileRecord(n, NOW_MS, b"{}", CHANNELS.erasures, PARTITION, None) for n in range(2_500)]

    stepped.take(CHANNELS.erasures, PARTITION, requests)

    assert stepped.internal == {"erasures_dead_lettered": 2_500}
    assert stepped.parts == 3


async def test_what_work_raises_is_raised_where_it_was_asked_for_and_the_next_goes_on() -> None:
    thread = WorkThread("test")

    def fail() -> None:
        raise Fatal("on purpose")

    with pytest.raises(Fatal, match="on purpose"):
        await thread.run(fail)
    assert await thread.run(lambda: 3) == 3


async def test_work_whose_asker_has_gone_does_not_hold_up_what_comes_after() -> None:
    thread, go_on = WorkThread("test"), threading.Event()
    asked = asyncio.create_task(thread.run(lambda: go_on.wait(60)))
    await asyncio.sleep(0)
    asked.cancel()
    go_on.set()

    assert await thread.run(lambda: "next") == "next"


@pytest.mark.parametrize(("skills", "most"), [(1, 10_000), (7, 10_000), (8, 10_000), (9, 8_888), (64, 1_250)])
def test_a_part_of_many_skills_is_of_fewer_students(skills: int, most: int) -> None:
    assert most_students(skills) == most

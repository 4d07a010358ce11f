"""Verify knows segments of ids: what a long history leaves is exact, and what lacks or differs is found."""

from streams.rows.codec import decode_row, encode_row
from streams.rows.row import RECENT_IDS, SEGMENT_IDS
from streams.rows.segments import is_segment, segment_key
from tests.unit.verified import World, at_us, changed


def a_long_history(events: int = 400, batch: int = 37) -> World:
    """Two students with more events than their rows have room for ids, one of whom sends some again."""
    world = World()
    for number in range(events):
        world.event("ada" if number % 3 else "bo")
    for again in range(0, 60, 2):
        world.event("ada" if again % 3 else "bo", event_id=f"e{again}", minute=again)
    for begin in range(0, len(world.input), batch):
        world.fold(world.input[begin : begin + batch])
    return world


def test_what_a_worker_leaves_of_a_long_history_is_exact() -> None:
    world = a_long_history()

    assert any(map(is_segment, world.segments))
    assert world.verify().differences == []
    assert world.verify().applied == 400
    assert world.verify(cut=300).differences == []


def test_a_slice_that_needs_more_memory_than_there_is_knows_its_segments() -> None:
    world = World()
    for number in range(3600):
        world.event(f"s{number % 18}")
    world.fold(world.input)

    verdict = world.verify(memory_bytes=40_000)

    assert verdict.passes > 1
    assert verdict.differences == []


def test_a_segment_that_is_missing_is_found() -> None:
    world = a_long_history()
    world.write_segment(segment_key(b"ada", 0), None)

    assert world.verify().kinds == [("ada", "lost")]


def test_a_segment_of_other_ids_is_found() -> None:
    world = a_long_history()
    world.write_segment(segment_key(b"ada", 0), bytes(8 * SEGMENT_IDS))

    assert world.verify().kinds == [("ada", "state")]


def test_ids_that_a_row_should_know_are_missed() -> None:
    world = a_long_history()
    row = world.rows["ada"]
    world.write("ada", changed(row, ids=row.ids[8:]))

    assert world.verify().kinds == [("ada", "state")]


def test_the_erased_leave_no_ids_behind() -> None:
    world = a_long_history()
    world.forget("ada", at_us(world.input[-1]))
    assert world.verify().differences == []

    world.write_segment(segment_key(b"ada", 0), bytes(8 * SEGMENT_IDS))
    assert world.verify().kinds == [("ada", "state")]


def test_a_segment_that_no_row_names_is_left_of_a_crash_and_does_no_harm() -> None:
    world = a_long_history()
    world.write_segment(segment_key(b"ada", 77), b"12345678")

    assert world.verify().differences == []


def test_rows_of_a_former_version_are_judged_by_what_they_counted() -> None:
    world = World()
    for _ in range(130):
        world.event("ada")
    world.fold(world.input)
    row = world.rows["ada"]
    former = changed(row, ids=row.ids[-8 * RECENT_IDS :], partial=1, newest_us=row.as_of_us, beyond_us=row.as_of_us)
    world.write("ada", decode_row(encode_row(former)))
    for _ in range(120):
        world.event("ada")
    world.fold(world.input[130:])

    assert world.rows["ada"].partial
    assert world.verify().differences == []

"""Positions that jump: each is said once, counted once, and remembered for verify."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.worker.position_jumps import Jump, JumpPolicy, PositionJumped, PositionJumps
from streams.input.skipped import MOST_RANGES, NOTHING_SKIPPED, Skipped

TOPIC = "student-activity"


def jumps(on_jump: JumpPolicy = "continue") -> tuple[PositionJumps, list[Jump]]:
    counted: list[Jump] = []
    return PositionJumps(on_jump, counted.append), counted


def test_a_jump_is_an_error_line_a_count_and_a_reason(caplog: pytest.LogCaptureFixture) -> None:
    noted, counted = jumps()
    assert noted.reason() is None
    noted.note(TOPIC, 2, 3, 243)

    said = f"{TOPIC}/2 jumped from offset 3 to 243: 240 offsets were removed before they were read"
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(logging.ERROR, said)]
    assert vars(caplog.records[0])["offsets"] == 240
    assert counted == [Jump(TOPIC, 2, 3, 243)]
    assert noted.reason() == f"{said}; 1 jumps since the start"
    assert noted.skipped(TOPIC, 2) == Skipped(240, ((3, 243),))


def test_a_jump_found_at_the_start_and_again_by_the_first_fetch_is_said_once() -> None:
    noted, counted = jumps()
    noted.remember(TOPIC, 0, NOTHING_SKIPPED, 100)
    noted.note(TOPIC, 0, 100, 150)
    noted.note(TOPIC, 0, 60, 150)  # the group had committed less than the table holds

    assert counted == [Jump(TOPIC, 0, 100, 150)]
    assert noted.skipped(TOPIC, 0) == Skipped(50, ((100, 150),))


def test_what_the_table_holds_in_spite_of_a_lower_commit_is_not_lost() -> None:
    noted, counted = jumps()
    noted.remember(TOPIC, 0, NOTHING_SKIPPED, 100)
    noted.note(TOPIC, 0, 60, 100)

    assert counted == []
    assert noted.skipped(TOPIC, 0) == NOTHING_SKIPPED


def test_what_was_skipped_before_is_remembered_with_a_partition_that_is_taken_up_again() -> None:
    noted, _ = jumps()
    noted.remember(TOPIC, 0, Skipped(5, ((0, 5),)), 20)
    noted.note(TOPIC, 0, 20, 30)

    assert noted.skipped(TOPIC, 0) == Skipped(15, ((0, 5), (20, 30)))


def test_a_jump_not_yet_in_a_mark_is_remembered_though_it_was_said() -> None:
    noted, counted = jumps()
    noted.note(TOPIC, 0, 20, 30)
    noted.remember(TOPIC, 0, NOTHING_SKIPPED, 20)  # moved away and back, before a batch could be marked
    noted.note(TOPIC, 0, 20, 30)

    assert len(counted) == 1
    assert noted.skipped(TOPIC, 0) == Skipped(10, ((20, 30),))


def test_a_position_set_back_is_a_jump_that_skips_nothing(caplog: pytest.LogCaptureFixture) -> None:
    noted, counted = jumps()
    noted.note(TOPIC, 0, 90, 0)

    assert "was set back from offset 90 to 0" in caplog.text
    assert [jump.offsets for jump in counted] == [0]
    assert noted.skipped(TOPIC, 0) == NOTHING_SKIPPED


def test_where_a_jump_is_to_stop_the_worker_the_error_says_what_to_do() -> None:
    noted, counted = jumps("stop")
    with pytest.raises(PositionJumped, match=r"What to do: .*SKILLSTREAM_ON_POSITION_JUMP=continue"):
        noted.note(TOPIC, 0, 3, 243)

    assert len(counted) == 1


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(1, 50)), max_size=40))
def test_offsets_are_counted_once_however_jumps_overlap(jumped: list[tuple[int, int]]) -> None:
    ranges = sorted((first, first + size) for first, size in jumped)
    skipped = NOTHING_SKIPPED
    for first, end in ranges:
        skipped = skipped.plus(first, end)

    assert skipped.offsets == len({offset for first, end in ranges for offset in range(first, end)})
    assert len(skipped.newest) <= MOST_RANGES
    assert list(skipped.newest) == sorted(skipped.newest)


def test_many_jumps_are_said_in_a_few_words() -> None:
    skipped = NOTHING_SKIPPED
    for number in range(20):
        skipped = skipped.plus(number * 10, number * 10 + 4)

    assert str(skipped).startswith("80 offsets (120 to 123, ")
    assert str(skipped).endswith(", and older ones)")

"""Too many dead letters: the same record stops the worker, however records are cut into batches, restart or not."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.operations.dead_letters.gate import DeadLetterGate, TooManyDeadLetters
from schemas.dead_letter import REINSERTED_HEADER, DeadLetter
from schemas.dialects import Record
from streams.input.poison import Bad, PoisonLimits, PoisonWindow, Verdict
from streams.input.signature import nobody
from tests.events import record, stored_dead_letter

SMALL = PoisonLimits(max_ratio=0.5, window_records=10, max_consecutive=6)


def stops_at(stream: Sequence[bool], limits: PoisonLimits) -> int | None:
    """The record that stops it, by the definition alone."""
    for last, is_bad in enumerate(stream):
        window = stream[max(0, last + 1 - limits.window_records) : last + 1]
        row = stream[max(0, last - limits.max_consecutive) : last + 1]
        full = len(window) == limits.window_records
        too_many = full and sum(window) > limits.max_ratio * limits.window_records
        too_long = limits.max_consecutive and len(row) == limits.max_consecutive + 1 and all(row)
        if is_bad and (too_many or too_long):
            return last
    return None


def take(window: PoisonWindow, stream: Sequence[bool], start: int, end: int) -> Verdict | None:
    bad = [Bad(i - start, i, "not_json") for i in range(start, end) if stream[i]]
    return window.take(end - start, bad, end)


def cut(length: int, cuts: Sequence[int]) -> list[tuple[int, int]]:
    return list(pairwise(sorted({0, length, *(c % (length + 1) for c in cuts)})))


streams_of_records = st.lists(st.booleans(), min_size=1, max_size=60)
limits = st.builds(
    PoisonLimits,
    max_ratio=st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]),
    window_records=st.integers(1, 20),
    max_consecutive=st.integers(0, 15),
)
cuts = st.lists(st.integers(0, 1000), max_size=12)


@given(streams_of_records, limits, cuts)
def test_the_batch_that_holds_the_one_record_too_many_is_stopped_however_batches_are_cut(
    stream: list[bool], of: PoisonLimits, at: list[int]
) -> None:
    window, stopped = PoisonWindow(of, 0), None
    for start, end in cut(len(stream), at):
        if take(window, stream, start, end):
            stopped = (start, end)
            break

    expected = stops_at(stream, of)
    assert (stopped is None) == (expected is None)
    assert stopped is None or expected in range(*stopped)


@given(streams_of_records, limits, cuts, st.integers(0, 60))
def test_a_restart_that_is_told_the_past_stops_at_the_same_record(
    stream: list[bool], of: PoisonLimits, at: list[int], restart: int
) -> None:
    expected = stops_at(stream, of)
    begin = min(restart, len(stream) if expected is None else expected)
    window = PoisonWindow(of, begin)
    if window.lacks_past:
        window.recall((i, "not_json") for i in range(begin) if stream[i])

    stopped = None
    for start, end in cut(len(stream) - begin, at):
        if take(window, stream, begin + start, begin + end):
            stopped = (begin + start, begin + end)
            break

    assert (stopped is None) == (expected is None)
    assert stopped is None or expected in range(*stopped)


@given(streams_of_records, cuts)
def test_without_limits_nothing_stops(stream: list[bool], at: list[int]) -> None:
    window = PoisonWindow(PoisonLimits(max_ratio=1.0, window_records=5, max_consecutive=0), 0)

    assert not any(take(window, stream, start, end) for start, end in cut(len(stream), at))


def test_a_verdict_counts_and_names_the_reasons_and_the_first_place() -> None:
    window = PoisonWindow(SMALL, 100)
    window.recall([])
    assert window.take(8, [Bad(1, 101, "not_utf8"), Bad(3, 103, "not_json"), Bad(5, 105, "not_json")], 108) is None

    verdict = window.take(9, [Bad(i, 108 + i, "not_json") for i in (0, 1, 2)], 117)

    assert verdict == Verdict(
        bad=6, records=10, reasons=(("not_json", 5), ("not_utf8", 1)), first_offset=101, last_offset=110
    )


def test_the_share_slides_with_good_records_and_is_unknown_before_a_full_window() -> None:
    window = PoisonWindow(SMALL, 0)
    take(window, [True] * 4 + [False] * 30, 0, 8)
    assert window.share == 0.0

    take(window, [True] * 4 + [False] * 30, 8, 12)
    assert window.share == 0.2

    take(window, [True] * 4 + [False] * 30, 12, 30)
    assert window.share == 0.0


def test_memory_is_bounded_by_the_span() -> None:
    window = PoisonWindow(PoisonLimits(max_ratio=1.0, window_records=10, max_consecutive=20), 0)
    for start in range(0, 2_000, 2):
        window.take(2, [Bad(0, start, "not_json")], start + 2)
        assert window.remembered <= 21


class Known:
    """A past that is at hand; notes what it was asked."""

    def __init__(self, past: list[tuple[int, str]]) -> None:
        self.past = past
        self.asked: list[tuple[int, int, int]] = []

    async def before(self, partition: int, offset: int, records: int) -> list[tuple[int, str]]:
        self.asked.append((partition, offset, records))
        return [one for one in self.past if offset - records <= one[0] < offset]


def batch(start: int, stream: str, **given: object) -> tuple[list[Record], list[tuple[Record, DeadLetter]]]:
    """Records from `start` on, and the dead letters of those that are an x."""
    records = [record(b"", start + n, partition=3, **given) for n in range(len(stream))]
    dead_letters: list[tuple[Record, DeadLetter]] = [
        (one, stored_dead_letter(one)) for one, mark in zip(records, stream, strict=True) if mark == "x"
    ]
    return list(records), dead_letters


async def test_the_gate_says_how_many_why_where_and_what_to_do() -> None:
    gate = DeadLetterGate(SMALL, Known([]), lambda _record: True)
    await gate.check(3, *batch(0, "...x.x...."))

    with pytest.raises(TooManyDeadLetters) as stopped:
        await gate.check(3, *batch(10, ".xxxxxx"))

    said = str(stopped.value)
    assert "6 of the last 10 records of student-activity/3 cannot be read: not_json (6); the first at offset 11" in said
    assert "from offset 10 to 16" in said
    assert "SKILLSTREAM_DEAD_LETTER_MAX_RATIO=1" in said
    assert "canary" not in said


async def test_the_past_is_asked_for_once_and_only_when_something_is_bad() -> None:
    known = Known([(90, "not_json")])
    gate = DeadLetterGate(SMALL, known, lambda _record: True)

    await gate.check(3, *batch(100, "..."))
    assert known.asked == []

    await gate.check(3, *batch(103, "x."))
    await gate.check(3, *batch(105, "x."))
    assert known.asked == [(3, 100, 10)]


async def test_a_partition_that_was_away_is_looked_at_anew() -> None:
    known = Known([])
    gate = DeadLetterGate(SMALL, known, lambda _record: True)
    await gate.check(3, *batch(100, "x"))

    gate.drop(frozenset({3}))
    known.past = [(offset, "not_json") for offset in range(494, 500)]
    with pytest.raises(TooManyDeadLetters):
        await gate.check(3, *batch(500, "x"))


async def test_records_read_again_do_not_count_twice() -> None:
    gate = DeadLetterGate(SMALL, Known([]), lambda _record: True)

    for _ in range(5):
        await gate.check(3, *batch(100, "xxx......."))

    assert gate.share == 0.3


async def test_what_a_replay_sent_back_does_not_count() -> None:
    gate = DeadLetterGate(SMALL, Known([]), lambda _record: True)

    await gate.check(3, *batch(0, "x" * 50, headers=((REINSERTED_HEADER, b"student-activity/3@1"),)))

    assert gate.share == 0.0


async def test_whoever_only_says_that_a_replay_sent_it_back_does_not_get_round_the_limit() -> None:
    gate = DeadLetterGate(SMALL, Known([]), nobody)

    with pytest.raises(TooManyDeadLetters):
        await gate.check(3, *batch(0, "x" * 50, headers=((REINSERTED_HEADER, b"student-activity/3@1"),)))


async def test_several_dead_letters_of_one_record_count_once() -> None:
    gate = DeadLetterGate(SMALL, Known([]), lambda _record: True)
    records, dead_letters = batch(0, "x.........")

    await gate.check(3, records, dead_letters * 9)

    assert gate.share == 0.1

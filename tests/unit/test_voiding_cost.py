"""Voids cost what they are, however they lie among events: four times as many cost four times as much, in calls."""

from collections.abc import Callable, Sequence
from typing import Final

import pytest

from schemas.event import NativeEvent
from streams.rows.row_batch import RowBatch
from tests.events import NOW_US, default_folding, event
from tests.work import calls_of

STUDENTS: Final = 5
SMALL: Final = 200
FACTOR: Final = 4
MAX_GROWTH: Final = 1.2 * FACTOR
MAX_CALLS_A_PAIR: Final = 150
MAX_CALLS_A_CORRECTION: Final = 220


def attempt(number: int) -> NativeEvent:
    return event("attempt", f"s{number % STUDENTS}", event_id=f"e{number}", voidable=True)


def void(number: int, of: str) -> NativeEvent:
    return event("voided", f"s{number % STUDENTS}", event_id=f"v{number}", voided_id=of)


def pairs(n: int) -> list[NativeEvent]:
    return [each for number in range(n) for each in (attempt(number), void(number, f"e{number}"))]


def voids_after_all(n: int) -> list[NativeEvent]:
    return [*map(attempt, range(n)), *(void(number, f"e{number}") for number in range(n))]


def voids_of_nothing(n: int) -> list[NativeEvent]:
    return [each for number in range(n) for each in (void(number, f"unknown-{number}"), attempt(number))]


def the_same_void(n: int) -> list[NativeEvent]:
    return [*map(attempt, range(n)), *(void(0, "e0") for _ in range(n))]


def of_one_student(n: int) -> list[NativeEvent]:
    return [each for one in range(n) for each in (attempt(one * STUDENTS), void(one * STUDENTS, f"e{one * STUDENTS}"))]


def corrections_of_one_act(n: int) -> list[NativeEvent]:
    """The costliest: each is a repeat of an act that the void before it set free."""
    return [each for one in range(n) for each in (event_of(one), void(one * STUDENTS, f"e{one * STUDENTS}"))]


def event_of(number: int) -> NativeEvent:
    at = number * STUDENTS
    return event("attempt", "s0", event_id=f"e{at}", voidable=True, act_ids=["the act", "@noon"])


@pytest.mark.parametrize(
    "made", [corrections_of_one_act, pairs, voids_after_all, voids_of_nothing, the_same_void, of_one_student]
)
def test_voids_cost_no_more_each_the_more_there_are(made: Callable[[int], list[NativeEvent]]) -> None:
    small, large = (folding_calls(made(n)) for n in (SMALL, SMALL * FACTOR))

    assert large < MAX_GROWTH * small
    most = MAX_CALLS_A_CORRECTION if made is corrections_of_one_act else MAX_CALLS_A_PAIR
    assert large < most * SMALL * FACTOR


def folding_calls(events: Sequence[NativeEvent]) -> int:
    folding = default_folding()
    students = sorted({one.student_id for one in events})
    rows = [students.index(one.student_id) for one in events]
    row_batch = RowBatch.of([None] * len(students), folding.names)
    return calls_of(lambda: folding.fold(row_batch, rows, events, [NOW_US] * len(events)))

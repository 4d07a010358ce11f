"""What `skillstream capacity` plans with: its laws, and the measured curve of one worker. `make bench ONLY=capacity`
holds it against a run.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.operations.capacity.costs import BATCHES, HISTORIES, PACKED_ROW_BYTES, PACKED_UPDATE_BYTES, ROW_BYTES
from agents.operations.capacity.demand import Demand
from agents.operations.capacity.plan import CapacityPlan, plan
from agents.operations.capacity.record_sizes import row_record_bytes, student_memory_bytes, update_record_bytes
from agents.operations.capacity.working import distinct, working

CURVE: Final = Path(__file__).parents[2] / "docs" / "latency.json"
MANY_STUDENTS: Final = 200_000
KNOWN_IDS: Final = 2_000
few = settings(max_examples=40, deadline=None)
students = st.integers(1, 10_000_000)
rates = st.integers(1, 1_000_000)


def demand(students: int = 100_000, events_per_s: float = 1_000.0, **given: Any) -> Demand:
    return Demand(
        students=students,
        events_per_s=events_per_s,
        **{"mean_events_per_s": events_per_s / 5, "event_bytes": 189, **given},
    )


def measured() -> list[tuple[int, float]]:
    """(events/s, share of a core) of our worker on many students, as `make bench` found them."""
    points = json.loads(CURVE.read_text("utf-8"))
    ours = [each for each in points if each["contestant"] == "skillstream" and each["data"] == "many"]
    return [(each["rate"], each["cpu_percent"] / 100) for each in ours if not each["behind"]]


def test_a_worker_is_as_busy_as_it_was_measured_to_be() -> None:
    assert len(measured()) >= 5
    for rate, busy in measured():
        assert working(demand(), rate, MANY_STUDENTS).busy == pytest.approx(busy, abs=0.15), rate


@few
@given(students, rates, rates)
def test_more_events_take_no_fewer_workers_and_no_less_disk(count: int, one: int, other: int) -> None:
    less, more = (plan(demand(count, rate)) for rate in sorted((one, other)))

    assert less.workers <= more.workers
    assert less.written_bytes_per_s <= more.written_bytes_per_s * 1.01


@few
@given(students, students, rates)
def test_more_students_take_no_fewer_workers_no_less_memory_and_no_less_disk(one: int, other: int, rate: int) -> None:
    less, more = (plan(demand(count, rate, workers=4)) for count in sorted((one, other)))

    assert less.memory_bytes <= more.memory_bytes
    assert less.restored_rows <= more.restored_rows
    assert plan(demand(less.demand.students, rate)).workers <= plan(demand(more.demand.students, rate)).workers


@few
@given(students, rates, st.floats(0.1, 0.9))
def test_as_many_as_are_needed_bear_it(count: int, rate: int, utilisation: float) -> None:
    found = plan(demand(count, rate, utilisation=utilisation, memory_gb=4.0, recovery_s=120.0))

    assert found.worker.work <= utilisation * 1.001
    assert found.memory_bytes <= 4e9
    assert found.recovery_s <= 121
    assert found.partitions >= found.workers
    assert found.notes == ()


def notes(**given: Any) -> str:
    return "; ".join(plan(demand(**given)).notes)


def test_too_few_are_told_so() -> None:
    assert "it falls behind" in notes(events_per_s=100_000, workers=2)
    assert "too few workers: 7 are needed" in notes(events_per_s=100_000, workers=6)
    assert "2 of 6 workers have no partition" in notes(workers=6, partitions=4)
    assert "do not divide" in notes(workers=3, partitions=4)


def bound_by(**given: Any) -> str:
    found: CapacityPlan = plan(demand(**given))
    return found.bound_by


def test_it_says_what_asks_for_so_many() -> None:
    assert bound_by(events_per_s=1_000_000) == "CPU"
    assert bound_by(students=10_000_000) == "memory"
    assert bound_by(students=10_000_000, recovery_s=10) == "recovery"
    assert bound_by(students=10_000_000, store="rocksdb") == "recovery"
    assert bound_by(workers=3) == "given"


def test_other_dialects_and_texts_cost_more() -> None:
    plain = plan(demand(events_per_s=1_000_000)).workers

    assert plain < plan(demand(events_per_s=1_000_000, dialect="xapi")).workers
    assert plain < plan(demand(events_per_s=1_000_000, text_share=0.1)).workers


@pytest.mark.parametrize("at", range(len(HISTORIES)))
def test_sizes_are_those_that_were_measured_and_lie_between_elsewhere(at: int) -> None:
    events = HISTORIES[at]

    assert student_memory_bytes(events, known_ids=100) == pytest.approx(ROW_BYTES[at], abs=100)
    for batch, row, update in zip(BATCHES, PACKED_ROW_BYTES[at], PACKED_UPDATE_BYTES[at], strict=True):
        assert row_record_bytes(events, batch, known_ids=100) == pytest.approx(row)
        assert update_record_bytes(events, batch) == pytest.approx(update)
    assert PACKED_UPDATE_BYTES[at][1] < update_record_bytes(events, 5) < PACKED_UPDATE_BYTES[at][0]


def test_ids_beyond_the_row_take_room_until_as_many_as_are_kept() -> None:
    assert student_memory_bytes(2_000, KNOWN_IDS) > student_memory_bytes(200, KNOWN_IDS) + 10_000
    assert student_memory_bytes(50_000, KNOWN_IDS) == student_memory_bytes(2_000, KNOWN_IDS)


def test_events_of_few_students_share_updates() -> None:
    assert distinct(1, 1_000_000) == pytest.approx(1)
    assert distinct(1_000_000, 10) == pytest.approx(1e-5)
    assert 0.6 < distinct(100, 100) < 0.65


def test_a_call_an_hour_explains_so_many() -> None:
    explained = plan(demand(students=12_000, calls_per_hour=500, explain_days=1)).explained

    assert (explained.calls_per_day, explained.days_for_all) == (12_000, 1)
    assert explained.calls_per_hour_wanted == pytest.approx(500)
    assert explained.usd_per_month == pytest.approx(explained.usd_per_month_wanted) == pytest.approx(1_080)

"""Which output covers which event, how late it is, and who falls behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.latency.matching import (
    Arrival,
    Covered,
    Matched,
    Missing,
    Numbering,
    covered_by,
    grows,
    latencies_s,
)


def test_an_update_covers_its_students_events_up_to_its_offset() -> None:
    sent = Numbering("seq")
    ann, bob, later = (sent.number(2, student) for student in ("ann", "bob", "ann"))
    update = covered_by("seq", 2, 0, b"ann", b'{"student_id":"ann","seq":[7,2],"skills":{}}')
    assert (ann, bob, later) == (Covered("ann", 0), Covered("bob", 1), Covered("ann", 2))
    assert update == later
    assert latencies_s([(1.0, ann), (1.5, later)], [Arrival(2.0, *update)]) == [1.0, 0.5]


def test_an_update_without_a_seq_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="without a seq"):
        covered_by("seq", 0, 0, b"ann", b"{}")


@pytest.mark.parametrize("value", [b"\0\0\0\0\0\0\0\x02", b"2", b"2     "])
def test_a_counter_covers_as_many_events_as_it_counted_however_it_writes_the_number(value: bytes) -> None:
    sent = Numbering("count")
    events = [sent.number(partition, "ann") for partition in (0, 0, 0)]
    counted = covered_by("count", 3, 9, b"ann", value)
    assert counted == events[1]
    missing = Missing(events)
    missing.take([Arrival(1.0, *counted)])
    assert missing
    missing.take([Arrival(1.0, "ann", 3)])
    assert not missing


@pytest.mark.parametrize("matched", ["position", "seq", "count"])
def test_an_event_that_no_output_covers_is_never_given_a_latency(matched: Matched) -> None:
    sent = Numbering(matched)
    first, second = sent.number(0, "ann"), sent.number(0, "ann")
    assert latencies_s([(0.0, first), (0.0, second)], [Arrival(1.0, *first)]) is None


@given(st.lists(st.sampled_from(["ann", "bob", "eve"]), min_size=1, max_size=30), st.floats(0.1, 5.0))
def test_a_stall_is_counted_for_all_events_that_were_due_in_it(students: list[str], stall_s: float) -> None:
    sent = Numbering("position")
    events = [(number / 10, sent.number(len(student) % 2, student)) for number, student in enumerate(students)]
    arrivals = [Arrival(due_s + stall_s, *event) for due_s, event in events]
    found = latencies_s(events, arrivals)
    assert found == pytest.approx([stall_s] * len(events))


def test_latencies_that_grow_are_told_from_those_that_are_long() -> None:
    assert grows([0.1 * step for step in range(30)])
    assert not grows([1.2] * 30)
    assert not grows([0.010, 0.020, 0.200] * 10)
    assert not grows([])

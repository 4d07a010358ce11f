"""States of a student: nothing after `as_of`, everything before, in whatever order the events came."""

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.dialects import decode
from streams.rows.codec import decode_row
from streams.rows.components import components_of
from streams.rows.row import Row
from streams.training.labels import Label
from streams.training.moments import Moment, MomentCounts, moments_of
from tests.events import Student, default_skills, raw
from tests.unit.training.simulated import as_of_us, records


def tell(noted: list[bytes], labels: list[Label], steps: int = 1) -> tuple[list[Moment], MomentCounts]:
    return asyncio.run(moments_of(records(noted), labels, default_skills(), steps))


def label(minute: float, student: str = "ada") -> Label:
    return Label(student, "problem_solving", as_of_us(minute), 1)


def row(moment: Moment) -> Row:
    return decode_row(moment.row)


def test_an_event_at_as_of_counts_and_one_after_does_not() -> None:
    noted = [raw("control", minute=minute) for minute in (1, 2, 3)]

    (at_two,), _ = tell(noted, [label(2)])
    assert (row(at_two).events, row(at_two).as_of_us) == (2, as_of_us(2))


@settings(deadline=None)  # the machine may be busy
@given(st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_order_of_the_file_changes_nothing(minute: int, rng: random.Random) -> None:
    noted = [raw("control", minute=number, controls={"top": number % 2}) for number in range(7)]
    shuffled = rng.sample(noted, len(noted))

    assert tell(noted, [label(minute)], 3)[0] == tell(shuffled, [label(minute)], 3)[0]


def test_a_row_holds_as_many_components_as_a_workers() -> None:
    noted = [raw("attempt", minute=minute, kcs=[f"k{minute}"]) for minute in range(3)]
    moments, _ = asyncio.run(moments_of(records(noted), [label(3)], default_skills(), components=2))

    assert {each.name for moment in moments for each in components_of(row(moment).components)} == {"k1", "k2"}


def test_earlier_moments_lie_evenly_before_the_labels_own() -> None:
    noted = [raw("control", minute=minute) for minute in range(10)]
    moments, _ = tell(noted, [label(7)], 4)

    assert [(moment.stage, row(moment).events, moment.own) for moment in moments] == [
        ("25_percent", 2, False),
        ("50_percent", 4, False),
        ("75_percent", 6, False),
        ("", 8, True),
    ]


def test_a_label_stands_for_the_student_after_fixed_counts_of_events_too() -> None:
    noted = [raw("control", minute=minute) for minute in range(10)]
    moments, _ = asyncio.run(moments_of(records(noted), [label(7)], default_skills(), counts=(3, 5, 8, 16)))

    assert [(moment.stage, row(moment).events) for moment in moments] == [("3_events", 3), ("5_events", 5), ("", 8)]


def test_a_withdrawal_after_the_last_label_is_one_more_moment_of_it_and_nothing_later_is_in_it() -> None:
    noted = [
        raw("session", minute=minute, phase=phase) for minute, phase in ((1, "start"), (5, "withdrawn"), (6, "end"))
    ]
    process = moments_of(records(noted), [label(1), label(2), label(5.5)], default_skills(), withdrawn=True)
    moments, _ = asyncio.run(process)
    assert [moment.stage for moment in moments] == ["", "", ""], "the last label knows it already"

    moments, _ = asyncio.run(moments_of(records(noted), [label(1), label(2)], default_skills(), withdrawn=True))
    assert [(moment.label.as_of_us, moment.stage, row(moment).events) for moment in moments] == [
        (as_of_us(1), "", 1),
        (as_of_us(2), "", 1),
        (as_of_us(2), "withdrawn", 2),
    ]


def test_of_moments_on_the_same_event_the_latest_stands() -> None:
    moments, _ = tell([raw("control", minute=0), raw("control", minute=1)], [label(1)], 4)

    assert [(moment.stage, row(moment).events) for moment in moments] == [("50_percent", 1), ("", 2)]


def test_several_labels_of_a_student_each_have_their_own_state() -> None:
    noted = [raw("control", minute=minute) for minute in range(4)]
    moments, _ = tell(noted, [label(3), label(0), label(1.5)])

    assert {moment.label.as_of_us: row(moment).events for moment in moments} == {
        as_of_us(3): 4,
        as_of_us(0): 1,
        as_of_us(1.5): 2,
    }


def test_what_has_no_use_is_accounted_for() -> None:
    noted = [raw("control", minute=1), raw("control", "bo"), b"not JSON"]
    moments, account = tell(noted, [label(0.5), label(0, "cy")])

    assert moments == []
    assert (account.records, account.unreadable, account.labels_without_events) == (3, 1, 2)
    assert account.unlabelled_students == {"bo"}


def test_a_state_is_the_very_row_a_worker_would_keep() -> None:
    noted = [raw("control", minute=minute, controls={"top": 1.0}, changed=1) for minute in range(3)]
    (moment,), _ = tell(noted, [label(2)])
    student = Student()
    for dated_record in records(noted):
        for event in decode(dated_record).events:
            student.fold(event, dated_record.timestamp * 1000)

    assert row(moment) == replace(student.row, offset=2), "the last event's number"

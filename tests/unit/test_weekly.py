"""Scores by week, in rows and in updates: the same wherever batches are cut, and where the worker was killed."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.step import BatchResult
from schemas.history import HISTORY_VERSION, ScoreOfWeek, SkillHistory, read_history
from schemas.update import ScoreChange, SkillScore, SkillUpdate
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.rows.codec import decode_row
from streams.rows.enrolment import EnrolmentIds, enrolment_section
from streams.rows.row import MAX_WEEKS
from streams.rows.weeks import WeekUnderWay, monday_of, past_of
from streams.scoring.histories import HistoryWriter
from streams.vocabulary import skill_code
from tests.contract.caliper_events import FILM, caliper
from tests.events import default_skills, fail_source, processed, raw, record, rows_of, updates_of
from tests.stepped import CHANNELS, Stepped, owning_partition
from tests.unit.verified import World, changed

DAY = 24 * 60
LATER_MS = 1_900_000_000_000
RATED = "empathy"


@cache
def pipeline() -> Pipeline:
    return Pipeline(default_skills(), load_artifact("default"), on_failure=fail_source)


def rated(day: float, rating: float, student: str = "ada", **given: Any) -> bytes:
    """A rating, so many days after Monday, 2 March 2026, 12:00."""
    named = {"skill": RATED, "rating": rating, "event_id": f"{student}{day}{rating}", **given}
    return raw("rubric", student, minute=day * DAY, **named)


def set_controls(day: float, student: str = "ada", number: int = 1) -> bytes:
    controls = {f"c{each}": 1.0 for each in range(number)}
    return raw("control", student, minute=day * DAY, controls=controls, changed=number, duration_s=4.0)


def recorded(values: Sequence[bytes]) -> list[FileRecord]:
    return [record(value, offset, timestamp=LATER_MS) for offset, value in enumerate(values)]


Bytes = dict[bytes, bytes]


def replayed(taken: Sequence[FileRecord], cuts: Sequence[int]) -> tuple[Bytes, Bytes, Bytes]:
    """The rows, and each student's last update and history, where batches end at these records."""
    replay, updates, histories = Replay(pipeline()), Bytes(), Bytes()
    ends = [*sorted(set(cuts)), len(taken)]
    for begin, end in zip([0, *ends], ends, strict=False):
        if taken[begin:end]:
            result = asyncio.run(replay.feed(taken[begin:end]))
            updates |= result.updates
            histories |= result.histories
    return dict(replay.rows.items(0)), updates, histories


def last_of(values: Sequence[bytes]) -> SkillUpdate:
    [update] = updates_of(processed(recorded(values), scores=True, pipeline=pipeline()))
    return update


@st.composite
def backlogs(draw: st.DrawFn) -> list[bytes]:
    """Events of two students over some weeks, mostly in order, with repeats."""
    days = draw(st.lists(st.floats(-20, 40, width=16), min_size=2, max_size=12))
    ordered = sorted(days) if draw(st.booleans()) else days
    return [
        set_controls(day, student, 1 + number % 3)
        if draw(st.booleans())
        else rated(day, draw(st.sampled_from([0.1, 0.9])), student, class_id=f"c{number % 2}")
        for number, day in enumerate(ordered)
        for student in draw(st.lists(st.sampled_from(["ada", "bob"]), min_size=1, max_size=2))
    ]


@settings(max_examples=40, deadline=None)
@given(backlogs(), st.data())
def test_rows_updates_and_histories_are_the_same_wherever_batches_are_cut(
    values: list[bytes], data: st.DataObject
) -> None:
    taken = recorded(values)
    one_by_one = replayed(taken, range(len(taken)))

    assert replayed(taken, []) == one_by_one
    assert replayed(taken, data.draw(st.lists(st.integers(0, len(taken)), max_size=3))) == one_by_one


def test_a_row_has_the_last_score_of_each_week_that_had_events() -> None:
    values = [rated(0, 0.9), rated(6.4, 0.9), rated(6.6, 0.1), rated(21, 0.5)]  # Sunday evening, Monday, a pause

    [row] = rows_of(processed(recorded(values), scores=True, pipeline=pipeline())).values()

    under_way = WeekUnderWay.of([decode_row(row).weeks])
    points = past_of(under_way.past[0])[skill_code(RATED)]
    assert (
        [(monday_of(point.week), point.score) for point in points]
        == [
            ("2026-03-02", last_of(values[:2]).skills[RATED].score * 10_000),  # type: ignore[union-attr]
            ("2026-03-09", last_of(values[:3]).skills[RATED].score * 10_000),  # type: ignore[union-attr]
        ]
    )
    assert monday_of(int(under_way.week[0])) == "2026-03-23"


def test_what_changed_since_the_week_before_is_told_with_the_item_that_weighs_most_for_it() -> None:
    before = last_of([rated(0, 0.9)]).skills[RATED]

    after = last_of([rated(0, 0.9), rated(8, 0.1), rated(9, 0.2)])

    [change] = after.changed
    assert change == ScoreChange(RATED, before.score, after.skills[RATED].score, change.because)  # type: ignore[union-attr]
    assert change.after < change.before
    assert change.because is not None
    item = after.skills[RATED].evidence[change.because - 1]
    assert (item.fact, item.direction, item.value) == ("rubric", -1, 0.1)


@pytest.mark.parametrize(
    "values",
    [[rated(0, 0.9)], [rated(0, 0.9), rated(1, 0.1)], [rated(0, 0.5), rated(8, 0.5)]],
    ids=["nothing before", "within one week", "not noticeably"],
)
def test_nothing_is_said_of_what_did_not_change_between_weeks(values: list[bytes]) -> None:
    assert last_of(values).changed == []


def test_a_change_without_an_item_that_points_the_same_way_says_no_place() -> None:
    """What happened this week is good, and yet the score falls, as the mean moves."""
    update = last_of([rated(0, 1.0), rated(0.1, 1.0), rated(8, 0.6), rated(8.1, 0.6)])

    assert [(change.skill, change.because) for change in update.changed] == [(RATED, None)]


def test_ids_are_those_named_last_each_for_itself() -> None:
    update = last_of(
        [
            rated(0, 0.5, class_id="7a", school_id="north"),
            rated(1, 0.5, class_id="7b", course_id="maths"),
            raw("navigation", minute=2 * DAY, class_id="unread"),
            rated(-3, 0.5, class_id="late"),
            rated(3, 0.5),
        ]
    )

    assert (update.course_id, update.class_id, update.school_id) == ("maths", "7b", "north")


def test_ids_of_other_dialects_are_in_the_update_too() -> None:
    section = {"id": "https://school.example/sections/7b", "type": "CourseSection"}
    event = orjson.dumps(caliper("MediaEvent", "Started", FILM, group=section))

    [update] = updates_of(processed(recorded([event]), scores=True, pipeline=pipeline()))

    assert update.class_id == section["id"]


# -- histories


def history_of(values: Sequence[bytes]) -> SkillHistory | None:
    histories = processed(recorded(values), scores=True, pipeline=pipeline()).histories
    return read_history(histories[b"ada"]) if histories else None


def test_a_history_has_the_weeks_that_are_over_and_comes_when_one_is() -> None:
    values = [rated(0, 0.9), rated(1, 0.1), set_controls(2), rated(8, 0.1)]
    first = last_of(values[:3]).skills
    score = first["problem_solving"]
    assert isinstance(score, SkillScore)

    assert history_of(values[:3]) is None
    assert history_of(values) == SkillHistory(
        version=HISTORY_VERSION,
        student_id="ada",
        skills={
            RATED: [ScoreOfWeek("2026-03-02", first[RATED].score)],  # type: ignore[union-attr]
            "problem_solving": [ScoreOfWeek("2026-03-02", score.score, score.low or None, score.high or None)],
        },
    )


def test_a_history_holds_a_year() -> None:
    history = history_of([rated(7 * week, week % 2, event_id=f"e{week}") for week in range(60)])

    assert history is not None
    assert len(history.skills[RATED]) == MAX_WEEKS - 1
    assert history.skills[RATED][-1].week == "2027-04-12"


def test_who_asks_now_sees_the_week_under_way_too() -> None:
    values = [rated(0, 0.9), rated(8, 0.1)]
    [row] = rows_of(processed(recorded(values), scores=True, pipeline=pipeline())).values()

    history = HistoryWriter(default_skills().names).history_to_date("ada", decode_row(row).weeks)

    *_, before, now = history.skills[RATED]
    assert (before.week, now) == ("2026-03-02", ScoreOfWeek("2026-03-09", last_of(values).skills[RATED].score))  # type: ignore[union-attr]


def outputs_to(topic: str, result: BatchResult) -> list[bytes | None]:
    return [output.value for output in result.outputs if output.topic == topic]


def test_a_history_that_a_crash_may_have_cut_off_is_written_again() -> None:
    stepped, partition = Stepped(), owning_partition(b"ada")
    taken = recorded([rated(0, 0.9), rated(8, 0.1), rated(8.5, 0.2)])
    [written] = outputs_to(CHANNELS.history, stepped.take(CHANNELS.activity, partition, taken[:2]))
    assert written is not None

    assert outputs_to(CHANNELS.history, stepped.take(CHANNELS.activity, partition, taken[1:])) == [written]


def test_an_erased_student_s_history_is_deleted() -> None:
    stepped, partition = Stepped(), owning_partition(b"ada")
    stepped.take(CHANNELS.activity, partition, recorded([rated(0, 0.9), rated(8, 0.1)]))

    erased = stepped.take(CHANNELS.erasures, partition, [record(b"{}", timestamp=LATER_MS)])

    assert outputs_to(CHANNELS.history, erased) == [None]


def test_an_erased_student_s_weeks_and_ids_are_gone() -> None:
    stepped, partition = Stepped(), owning_partition(b"ada")
    stepped.take(CHANNELS.activity, partition, recorded([rated(0, 0.9, class_id="7b"), rated(8, 0.1)]))
    stepped.take(CHANNELS.erasures, partition, [record(b"{}", timestamp=LATER_MS)])

    row = decode_row(stepped.rows.get(partition, b"ada") or b"")

    assert (row.weeks, row.enrolment) == (b"", b"")


def test_verify_finds_another_class_and_takes_none_for_that_of_a_former_version() -> None:
    world = World(input=recorded([rated(day, day / 20, class_id="7b") for day in range(20)]))
    for begin in range(0, 20, 7):
        world.fold(world.input[begin : begin + 7])
    assert world.verify().differences == []

    for enrolment, kinds in ((EnrolmentIds(), []), (EnrolmentIds(class_id="7a"), [("ada", "state")])):
        world.write("ada", changed(world.rows["ada"], enrolment=enrolment_section(enrolment)))
        assert world.verify().kinds == kinds

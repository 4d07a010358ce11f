"""Norms in the order of time: what serves a moment is what others had done in the periods before."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects import decode
from streams.event_record import event_pipeline
from streams.evidence.features import FEATURES, NORM_FEATURES
from streams.norms.layout import item_code
from streams.skills.skills_file import load_skills
from streams.training.dated import dated_events
from streams.training.estimates import feature_matrix
from streams.training.labels import Label
from streams.training.moments import Moment, moments_of
from streams.training.norm_timeline import NO_TIMELINE, NormPlan, NormTimeline, norms_over
from tests.events import NOW, default_skills, raw
from tests.unit.training.simulated import as_of_us, records

DAY_US = 86_400_000_000
FIRST_US = int(datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC).timestamp()) * 1_000_000
"""The beginning of a period, which is day 0."""
_SINCE_NOW = datetime.fromtimestamp(FIRST_US / 1e6, UTC) - NOW


def minute(day: int, of_day: float) -> float:
    """As events have it."""
    return (_SINCE_NOW + timedelta(days=day, minutes=of_day)).total_seconds() / 60


def class_on(day: int, right: int = 1, students: int = 10, **given: object) -> list[bytes]:
    """Students of this day alone, each with an answer to the same item."""
    answer = {"item_id": "q", "score": right, "kcs": ["angles"], **given}
    return [raw("attempt", f"s{day}-{at}", minute=minute(day, at), **answer) for at in range(students)]


def timeline_of(values: Sequence[bytes], copies: Mapping[str, str] | None = None) -> NormTimeline:
    events, pipeline = dated_events(records(list(values)), decode), event_pipeline(load_skills("mastery"))
    return asyncio.run(norms_over(events, pipeline, NormPlan(DAY_US, copies or {})))


def wins_at(timeline: NormTimeline, time_us: int) -> int | None:
    """Right answers to the item, as norms have it then; None where there are no norms."""
    [(view, at)] = timeline.at(np.array([time_us]))
    assert at.tolist() == [0]
    return None if view is None else int(view.items(np.array([item_code("q")], np.uint64))["wins"][0])


def test_norms_are_in_force_from_the_end_of_a_period_on() -> None:
    timeline = timeline_of([*class_on(-2), *class_on(-1)])
    ends_us = FIRST_US - DAY_US, FIRST_US

    assert [wins_at(timeline, end_us - 1) for end_us in ends_us] == [None, 10]
    assert [wins_at(timeline, end_us) for end_us in ends_us] == [10, 20]
    assert timeline.since_us == list(ends_us)


def test_fewer_than_ten_students_make_no_norm() -> None:
    assert not timeline_of(class_on(-1, students=9))


def test_where_nothing_is_due_the_norms_of_before_go_on() -> None:
    assert len(timeline_of([*class_on(-3), *class_on(-2, students=5)]).views) == 1


def test_students_who_name_no_component_count_too() -> None:
    assert wins_at(timeline_of([*class_on(-1, kcs=None), *class_on(-2, students=1)]), FIRST_US) == 11


def test_times_are_grouped_by_the_norms_in_force() -> None:
    timeline = timeline_of([*class_on(-2), *class_on(-1)])
    times = np.array([FIRST_US, 0, FIRST_US + DAY_US, 1])
    found = [(view, at.tolist()) for view, at in timeline.at(times)]

    assert found == [(None, [1, 3]), (timeline.views[1], [0, 2])]
    assert [(view, at.tolist()) for view, at in NO_TIMELINE.at(times)] == [(None, [0, 1, 2, 3])]


@settings(max_examples=10, deadline=None)
@given(later=st.lists(st.integers(0, 1), min_size=0, max_size=12), order=st.randoms())
def test_changing_later_events_leaves_earlier_norms_equal(later: list[int], order: Random) -> None:
    before = [*class_on(-3), *class_on(-2, 0)]
    after = [value for at, right in enumerate(later) for value in class_on(-1, right, students=at + 1)[-1:]]
    values = [*before, *after]
    order.shuffle(values)
    plain, changed = timeline_of(before), timeline_of(values)

    known = len(plain.views)
    assert [view.version for view in changed.views[:known]] == [view.version for view in plain.views]
    assert list(changed.since_us[:known]) == list(plain.since_us)


def work(day: int, student: int, score: float, course: str = "c") -> bytes:
    """Work of a student of a course that is handed in on this day, and marked."""
    name = f"{course}-{student}"
    return raw("submission", name, minute=minute(day, student), score=score, course_id=course)


def moments_at(day: int, values: Sequence[bytes], students: Sequence[str], timeline: NormTimeline) -> list[Moment]:
    """Where these students stand at the beginning of this day."""
    labels = [Label(student, "problem_solving", as_of_us(minute(day, 0)) - 1, 1) for student in students]
    moments, _ = asyncio.run(moments_of(records(list(values)), labels, default_skills(), counts=(1, 2)))
    return timeline.of(moments)


def features_at(moments: Sequence[Moment], *names: str) -> list[list[float]]:
    columns: list[list[float]] = feature_matrix(moments, names).T.tolist()
    return columns


CLASS = [f"c-{student}" for student in range(12)]
LAST_WEEK = [work(day, student, (student + day) % 10 / 10) for day in (-7, -5, -4) for student in range(12)]


def test_a_moment_is_under_the_norms_that_were_in_force_at_its_newest_event() -> None:
    timeline = timeline_of(LAST_WEEK)
    moments = moments_at(0, LAST_WEEK, CLASS, timeline)

    assert [(moment.stage, moment.norms) for moment in moments[:3]] == [
        ("1_events", None),
        ("2_events", timeline.views[0]),
        ("", timeline.views[1]),
    ]
    compared = [moment for moment in moments if moment.stage == "2_events"]
    [scores, ranks] = features_at(compared, "score_z", "score_rank")
    assert scores[0] < scores[1] < scores[2], "they got more, one after the other"
    assert all(0 < rank < 1 for rank in ranks)


def test_moments_without_norms_stay_as_they_are_and_say_nothing_against_any() -> None:
    moments = moments_at(0, LAST_WEEK, CLASS, NO_TIMELINE)

    assert all(moment.norms is None for moment in moments)
    assert np.isnan(feature_matrix(moments, NORM_FEATURES)).all()


def test_features_come_in_the_order_of_the_moments_whatever_norms_they_are_under() -> None:
    moments = moments_at(0, LAST_WEEK, CLASS, timeline_of(LAST_WEEK))
    names = ("marked.n", "score_z", "days", "peers")
    one_by_one = [feature_matrix([moment], names)[0].tolist() for moment in moments]

    np.testing.assert_array_equal(feature_matrix(moments, names), one_by_one)


@settings(max_examples=10, deadline=None)
@given(
    later=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 15), st.integers(0, 10)), max_size=15),
    order=st.randoms(),
)
def test_changing_later_events_leaves_earlier_features_equal(later: list[tuple[int, int, int]], order: Random) -> None:
    changed = [*LAST_WEEK, *(work(day, student, score / 10) for day, student, score in dict.fromkeys(later))]
    order.shuffle(changed)
    before, after = (
        feature_matrix(moments_at(0, values, CLASS, timeline_of(values)), (*FEATURES, *NORM_FEATURES))
        for values in (LAST_WEEK, changed)
    )

    assert not np.isnan(before[:, -len(NORM_FEATURES) :]).all()
    np.testing.assert_array_equal(after, before)


def test_a_copy_of_a_course_starts_from_the_norms_of_the_last_one_where_the_mapping_says_so() -> None:
    values = [*LAST_WEEK, work(-1, 0, 1.0, "copy")]
    alone, copied = (
        features_at(moments_at(0, values, ["copy-0"], timeline_of(values, copies)), "score_z", "events_z")
        for copies in ({}, {"copy": "c"})
    )

    assert np.isnan(alone).all()
    assert copied[0][0] > 0
    assert np.isnan(copied[1][0]), "a rate says as much in the copy, a number of events does not"

"""Norms in the order of time: what serves an answer is what others had answered in the periods before."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.event_record import event_pipeline
from streams.norms.layout import item_code
from streams.skills.skills_file import load_skills
from streams.training.mastery.norm_timeline import NO_TIMELINE, NormPlan, NormTimeline, norms_over
from tests.events import NOW, raw
from tests.unit.training.mastery.quizzes import histories_of

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


def timeline_of(values: Sequence[bytes]) -> NormTimeline:
    histories, pipeline = histories_of(values), event_pipeline(load_skills("mastery"))
    return asyncio.run(norms_over(histories, pipeline, NormPlan(DAY_US, {})))


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

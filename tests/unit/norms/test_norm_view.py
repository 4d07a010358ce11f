"""Norms in force: found by code, a row's cohort by what it names, a student against the others of it."""

import weakref
from math import log1p, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.norms.layout import item_code
from streams.norms.measures import MEASURE_BINS, MEASURES
from streams.norms.publishing import NormTopic, publish
from streams.norms.relative import NORM_COLUMNS
from streams.norms.row_sums import sum_rows
from streams.norms.shard import NormShard
from streams.norms.view import NormView
from streams.rows.codec import encode_row
from streams.rows.components import component_code
from streams.rows.enrolment import EnrolmentIds, enrolment_section
from streams.rows.row import Row
from streams.rows.row_facts import RowFacts
from streams.vocabulary import Fact
from tests.norms import APP_ID, EVERY_US, snapshot_of
from tests.unit.norms.students import NOW_US, PERIODS, student

CLASS, COURSE, SCHOOL, SOURCE = "class:k", "course:2014", "school:s", "source:lms"
NAMED = enrolment_section(EnrolmentIds("2014", "k", "s", "lms"))


def chosen(*names: str, aliases: dict[str, str] | None = None, enrolment: bytes = NAMED) -> tuple[bytes, bool, bool]:
    """The name of the cohort that is chosen where these have norms, whether it is borrowed, and whether it is new."""
    view = NormView(snapshot_of(cohorts={name: {} for name in names}, aliases=aliases))
    choice = view.cohorts_of([enrolment])
    return view.cohorts["name"][choice.cohort[0]], bool(choice.borrowed[0]), bool(choice.new[0])


def columns_of(view: NormView, *rows: Row) -> dict[str, list[float]]:
    matrix = view.relative(RowFacts.of([encode_row(row) for row in rows]))
    assert matrix.shape == (len(rows), len(NORM_COLUMNS))
    return dict(zip(NORM_COLUMNS, matrix.T.tolist(), strict=True))


def of_students(*rows: Row, aliases: dict[str, str] | None = None) -> NormView:
    """The norms of these students."""
    sums = sum_rows(map(encode_row, rows), PERIODS)
    items = snapshot_of().items
    shard = NormShard(0, 0, 9, NOW_US, EVERY_US, -1, 0, 0, items, sums.components, sums.cohorts)
    snapshot = publish(None, {0: shard}, aliases or {}, NormTopic(APP_ID, 1))
    assert snapshot is not None
    return NormView(snapshot)


def scored(course: str, score: float, *, events: int = 3) -> Row:
    return student(EnrolmentIds(course), {Fact.ATTEMPTED: (1, score)}, events=events)


def test_class_course_copy_school_source_in_this_order() -> None:
    copied = {"2014": "2013"}

    assert chosen(CLASS, COURSE, SCHOOL, aliases=copied) == (CLASS.encode(), False, False)
    assert chosen(COURSE, "course:2013", SCHOOL, aliases=copied) == (COURSE.encode(), False, False)
    assert chosen("course:2013", SCHOOL, aliases=copied) == (b"course:2013", True, False)
    assert chosen(SCHOOL, aliases=copied) == (SCHOOL.encode(), False, False)
    assert chosen("course:2013", SCHOOL, SOURCE) == (SCHOOL.encode(), False, False)
    assert chosen("course:2013", SOURCE) == (SOURCE.encode(), False, False)


def test_a_cohort_without_any_norm_is_new() -> None:
    assert chosen("course:other") == (b"", False, True)
    assert chosen("course:other", enrolment=b"") == (b"", False, False)
    assert chosen("course:other", enrolment=enrolment_section(EnrolmentIds(None, None, "s"))) == (b"", False, False)


def test_a_student_is_compared_with_the_others_of_the_course() -> None:
    scores = [0.05 * at for at in range(20)]
    view = of_students(*(scored("c", score) for score in scores))
    columns = columns_of(view, scored("c", 0.5), scored("c", 0.0), scored("another", 0.5))

    mean, sd = float(np.mean(scores)), float(np.std(scores))
    assert columns["score_z"][:2] == pytest.approx([(0.5 - mean) / sd, -mean / sd], abs=1e-3)
    assert columns["score_rank"][0] == pytest.approx(sum(score < 0.5 for score in scores) / 20, abs=1 / MEASURE_BINS)
    assert columns["score_rank"][1] < 0.06
    assert columns["peers"][:2] == [log1p(20)] * 2
    assert all(np.isnan(of_column[2]) for of_column in columns.values())


def test_what_a_row_does_not_say_is_not_known() -> None:
    columns = columns_of(of_students(*[scored("c", 0.5)] * 10), student(EnrolmentIds("c")))

    assert [name for name, [value] in columns.items() if not np.isnan(value)] == ["events_z", "events_rank", "peers"]


def test_students_who_hardly_differ_are_not_blown_up() -> None:
    columns = columns_of(of_students(*[scored("c", 0.5)] * 10), scored("c", 0.55))

    assert columns["score_z"] == pytest.approx([0.05 / MEASURES["score"].least_sd])


def test_a_copy_borrows_rates_alone() -> None:
    view = of_students(*[scored("2013", 0.5)] * 10, aliases={"2014": "2013"})
    columns = columns_of(view, scored("2014", 0.55), scored("2013", 0.55))

    assert columns["score_z"][0] == columns["score_z"][1]
    assert columns["score_rank"][0] == columns["score_rank"][1]
    assert np.isnan(columns["events_z"][0])
    assert np.isnan(columns["events_rank"][0])
    assert not np.isnan(columns["events_z"][1])


def test_answers_are_compared_with_those_to_the_same_components() -> None:
    view = NormView(snapshot_of(components={"easy": {"answers": 98, "wins": 89}, "hard": {"answers": 98, "wins": 9}}))
    one = student(EnrolmentIds(), components={b"easy": (3, 1), b"hard": (3, 1), b"unknown": (5, 5)})
    other = student(EnrolmentIds(), components={b"unknown": (5, 5)})

    expected = (6 - 4 * 0.9 - 4 * 0.1) / sqrt(8 * 0.9 * 0.1)
    columns = columns_of(view, one, other)
    assert columns["answers_z"][0] == pytest.approx(expected)
    assert np.isnan(columns["answers_z"][1])
    assert view.share_right == pytest.approx(0.5)


def test_without_a_norm_nothing_is_known() -> None:
    columns = columns_of(NormView(snapshot_of()), scored("c", 0.5))

    assert all(np.isnan(value) for [value] in columns.values())
    assert NormView(snapshot_of()).share_right == 0.5


def test_no_row_has_no_columns() -> None:
    assert NormView(snapshot_of()).relative(RowFacts.of([])).shape == (0, len(NORM_COLUMNS))


@given(st.sets(st.text("abcdef", min_size=1, max_size=3)), st.lists(st.text("abcdef", min_size=1, max_size=3)))
def test_items_and_components_are_found_by_code(known: set[str], asked: list[str]) -> None:
    of_name = {name: {"answers": at + 1} for at, name in enumerate(sorted(known))}
    view = NormView(snapshot_of(items=of_name, components=of_name))

    expected = [of_name[name]["answers"] if name in known else 0 for name in asked]
    items = view.items(np.array([item_code(name) for name in asked], np.int64))
    components = view.components(np.array([component_code(name.encode()) for name in asked], np.uint32))
    assert items["answers"].tolist() == components["answers"].tolist() == expected
    assert (items["students"] > 0).tolist() == [name in known for name in asked]


def test_a_view_is_called_what_its_snapshot_is() -> None:
    snapshot = snapshot_of(items={"i": {}})

    assert (NormView(snapshot).version, NormView(snapshot).key.hex()) == (snapshot.version, snapshot.version)


def test_norms_that_are_no_longer_in_force_leave_memory_at_once() -> None:
    """Without waiting for the garbage collector: a snapshot may have tens of megabytes."""
    view = NormView(snapshot_of(cohorts={COURSE: {}}))
    view.cohorts_of([NAMED])
    gone = weakref.ref(view)
    del view

    assert gone() is None

"""Norms as people see them: what is odd about an item comes first."""

from dataclasses import replace

import numpy as np
import pytest

from agents.operations.norms import known_since_us, shown_items, shown_norms, students_of
from streams.norms.layout import RIGHT, pack_answer, unpack_answers
from tests.norms import EVERY_US, Fields, snapshot_of
from tests.samples import norms as samples

USUAL = {"answers": 100, "wins": 60, "scored": 100, "score": 60_000, "students": 100, "component": 0}


def test_what_is_odd_about_an_item_is_said_and_such_items_come_first() -> None:
    snapshot = snapshot_of(
        {
            "a usual": USUAL,
            "hard": {**USUAL, "wins": 10},
            "easy": {**USUAL, "wins": 99},
            "shared": {**USUAL, "course_low": 3, "course_high": 9},
            "small": {**USUAL, "score": 1_000},
        }
    )

    found = list(shown_items(snapshot))

    assert [(each.name, each.odd) for each in found] == [
        ("easy", ("too easy",)),
        ("hard", ("too hard",)),
        ("shared", ("in several courses",)),
        ("small", ("scores on another scale",)),
        ("a usual", ()),
    ]
    assert found[-1].right == 0.6


def test_an_item_unlike_the_others_of_its_component_is_odd() -> None:
    of_component = {"answers": 1_000, "wins": 900, "students": 100}
    snapshot = snapshot_of({"i1": USUAL}, {"fractions": of_component})
    snapshot.items["component"] = snapshot.components["code"]

    assert [each.odd for each in shown_items(snapshot)] == [("unlike its component",)]
    [item] = shown_items(snapshot)
    assert (item.component, item.component_right) == ("fractions", 0.9)
    assert [(each.kind, each.name, each.right) for each in shown_norms(snapshot, "components")] == [
        ("component", "fractions", 0.9)
    ]


def test_the_median_of_an_items_times_is_their_geometric_mean() -> None:
    packed = np.array([pack_answer(RIGHT, duration_s=seconds) for seconds in (10.0, 90.0, 30.0)], np.uint32)
    times = {"timed": 3, "time": int(unpack_answers(packed).time.sum())}
    slow, unknown = shown_items(snapshot_of({"slow": times, "unknown": {}}))

    assert slow.median_s == pytest.approx((11 * 91 * 31) ** (1 / 3) - 1, rel=0.01)
    assert unknown.median_s is None


def test_a_norm_is_known_since_the_first_snapshot_that_has_it() -> None:
    first = snapshot_of({"old": USUAL}, clock_us=10 * EVERY_US)
    second = snapshot_of({"old": USUAL, "new": USUAL}, number=2, clock_us=17 * EVERY_US)
    since_us = known_since_us([first, second, replace(first, clock_us=20 * EVERY_US)], "items")

    assert {each.name: each.known_days for each in shown_items(second, since_us)} == {"old": 7, "new": 0}


@pytest.mark.parametrize(
    ("cohorts", "components", "students"),
    [
        ({"course:a": {"students": 30}, "course:b": {"students": 12}, "class:x": {"students": 20}}, {}, 42),
        ({"class:x": {"students": 20}}, {"angles": {"students": 25}}, 25),
        ({}, {}, 60),
    ],
)
def test_students_of_a_snapshot_are_those_of_its_courses_or_whatever_has_more(
    cohorts: dict[str, Fields], components: dict[str, Fields], students: int
) -> None:
    assert students_of(snapshot_of({"i": {"students": 60}}, components, cohorts)) == students


def test_the_docs_show_what_the_commands_print() -> None:
    page = samples.PAGE.read_text("utf-8")

    assert samples.written(page) == page, "run `make samples`"
    for part in ("unlike its component", "in several courses", "too easy", "course:geometry-a"):
        assert part in page

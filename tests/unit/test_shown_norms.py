"""Norms as people see them: what is odd about an item comes first."""

from agents.operations.norms import shown_items, shown_norms
from tests.norms import snapshot_of

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
    assert [(each.kind, each.name, each.right) for each in shown_norms(snapshot, "components")] == [
        ("component", "fractions", 0.9)
    ]

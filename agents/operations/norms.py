"""What norms say to people: of each item how hard it is, and what is odd about it."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from streams.norms.snapshot import NormSnapshot
from streams.rows.layout import Array

_TOO_HARD, _TOO_EASY = 0.2, 0.95
_ODD_Z = 3.0
_OTHER_SCALE = 0.02
_UNITS = 1_000


class ShownNorm(NamedTuple):
    """One norm; `right` is the share of right answers, None where nobody answers. `since` numbers the snapshot that
    published it.
    """

    kind: str
    name: str
    students: int
    right: float | None
    odd: tuple[str, ...]
    since: int


def shown_items(snapshot: NormSnapshot) -> Iterator[ShownNorm]:
    """Those that are odd first, then by name."""
    components = {int(each["code"]): each for each in snapshot.components}
    shown = [
        ShownNorm(
            "item",
            _name(record),
            int(record["students"]),
            _share(record),
            tuple(_oddities(record, components.get(int(record["component"])))),
            int(record["since"]),
        )
        for record in snapshot.items
    ]
    yield from sorted(shown, key=lambda each: (not each.odd, each.name))


def shown_norms(snapshot: NormSnapshot, kind: str) -> Iterator[ShownNorm]:
    """Of `components` or `cohorts`, by name."""
    shown = [
        ShownNorm(kind.removesuffix("s"), _name(each), int(each["students"]), _share(each), (), int(each["since"]))
        for each in getattr(snapshot, kind)
    ]
    yield from sorted(shown, key=lambda each: each.name)


def _oddities(item: Array, component: Array | None) -> Iterator[str]:
    right = _share(item)
    if right is not None and right < _TOO_HARD:
        yield "too hard"
    if right is not None and right > _TOO_EASY:
        yield "too easy"
    if component is not None and abs(_z(item, component)) > _ODD_Z:
        yield "unlike its component"
    if 0 < item["course_low"] < item["course_high"]:
        yield "in several courses"
    if item["scored"] and item["score"] / item["scored"] / _UNITS < _OTHER_SCALE:
        yield "scores on another scale"


def _z(item: Array, component: Array) -> float:
    """How far the item's share of right answers is from that of the component's others, in standard errors."""
    wins, answers = int(item["wins"]), int(item["answers"])
    other_wins, others = int(component["wins"]) - wins, int(component["answers"]) - answers
    if answers <= 0 or others <= 0:
        return 0.0
    share = min(max((wins + other_wins) / (answers + others), 0.0), 1.0)
    error = math.sqrt(share * (1 - share) * (1 / answers + 1 / others))
    return (wins / answers - other_wins / others) / error if error else 0.0


def _share(record: Array) -> float | None:
    return int(record["wins"]) / int(record["answers"]) if record["answers"] else None


def _name(record: Array) -> str:
    return np.asarray(record["name"]).item().decode(errors="replace") or f"{int(record['code']):x}"

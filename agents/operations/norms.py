"""What norms say to people: of each item how hard it is, how long it takes, and what is odd about it."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from streams.norms.layout import time_s
from streams.norms.snapshot import NormSnapshot
from streams.rows.layout import Array

TOO_HARD: Final = "too hard"
TOO_EASY: Final = "too easy"
UNLIKE: Final = "unlike its component"
SEVERAL: Final = "in several courses"
OTHER_SCALE: Final = "scores on another scale"
ODDITIES: Final = (TOO_HARD, TOO_EASY, UNLIKE, SEVERAL, OTHER_SCALE)
_HARD, _EASY = 0.2, 0.95
_ODD_Z = 3.0
_LEAST_SCORE = 0.02
_UNITS = 1_000
_DAY_US = 86_400_000_000
_NOT_ASKED: Final[Mapping[int, int]] = MappingProxyType({})


class ShownNorm(NamedTuple):
    """One norm; `right` is the share of right answers, None where nobody answers. `since` numbers the snapshot that
    published it; `known_days` have passed, by the records' time, since the oldest snapshot that has it.

    Of an item: `median_s`, as the geometric mean of the time that students take; its first component, and the share of
    right answers to all of that.
    """

    kind: str
    name: str
    students: int
    right: float | None
    median_s: float | None
    component: str | None
    component_right: float | None
    known_days: int
    odd: tuple[str, ...]
    since: int


def known_since_us(snapshots: Iterable[NormSnapshot], table: str) -> dict[int, int]:
    """By code, the clock of the first of these snapshots that has a norm in this table."""
    clocks: dict[int, int] = {}
    for snapshot in snapshots:
        for code in getattr(snapshot, table)["code"].tolist():
            clocks.setdefault(code, snapshot.clock_us)
    return clocks


def students_of(snapshot: NormSnapshot) -> int:
    """How many students the norms are of, at least: each is in one class, course, school and source at most.

    Where there are neither cohorts nor components: how many answered the item that most did.
    """
    counts: Counter[bytes] = Counter()
    for name, students in zip(snapshot.cohorts["name"].tolist(), snapshot.cohorts["students"].tolist(), strict=True):
        counts[name.partition(b":")[0]] += students
    of_one_component = int(snapshot.components["students"].max(initial=0))
    return max(*counts.values(), of_one_component, 0) or int(snapshot.items["students"].max(initial=0))


def shown_items(snapshot: NormSnapshot, known_us: Mapping[int, int] = _NOT_ASKED) -> Iterator[ShownNorm]:
    """Those that are odd first, then by name. `known_us` as `known_since_us` has it."""
    components = {int(each["code"]): each for each in snapshot.components}
    shown = [
        _shown(snapshot, "item", each, known_us, components.get(int(each["component"]))) for each in snapshot.items
    ]
    yield from sorted(shown, key=lambda each: (not each.odd, each.name))


def shown_norms(snapshot: NormSnapshot, table: str, known_us: Mapping[int, int] = _NOT_ASKED) -> Iterator[ShownNorm]:
    """Of `components` or `cohorts`, by name."""
    shown = [_shown(snapshot, table.removesuffix("s"), each, known_us) for each in getattr(snapshot, table)]
    yield from sorted(shown, key=lambda each: each.name)


def _shown(
    snapshot: NormSnapshot, kind: str, norm: Array, known_us: Mapping[int, int], component: Array | None = None
) -> ShownNorm:
    is_item = kind == "item"
    known_for_us = snapshot.clock_us - known_us.get(int(norm["code"]), int(norm["since_us"]))
    return ShownNorm(
        kind,
        _name(norm),
        int(norm["students"]),
        _share(norm),
        time_s(int(norm["time"]) / int(norm["timed"])) if is_item and norm["timed"] else None,
        None if component is None else _name(component),
        None if component is None else _share(component),
        max(0, known_for_us // _DAY_US),
        tuple(_oddities(norm, component)) if is_item else (),
        int(norm["since"]),
    )


def _oddities(item: Array, component: Array | None) -> Iterator[str]:
    right = _share(item)
    if right is not None and right < _HARD:
        yield TOO_HARD
    if right is not None and right > _EASY:
        yield TOO_EASY
    if component is not None and abs(_z(item, component)) > _ODD_Z:
        yield UNLIKE
    if 0 < item["course_low"] < item["course_high"]:
        yield SEVERAL
    if item["scored"] and item["score"] / item["scored"] / _UNITS < _LEAST_SCORE:
        yield OTHER_SCALE


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

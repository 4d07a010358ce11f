"""Features: each column is what plain Python says of the row, and what is not known is NaN."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.cli.features_page import page_of_features
from schemas.event import NativeEvent
from streams.evidence.features import FEATURES, features_of
from streams.norms.view import NormView
from streams.rows.row import Row, Totals
from streams.vocabulary import INDEX, Fact
from tests.events import event, folded, row_batch_of
from tests.norms import snapshot_of
from tests.unit.reference_folding import decayed
from tests.unit.strategies import century, events

DAY_US: Final = 86_400_000_000
OF_FACT: Final[dict[str, Callable[[Totals, float, int], float]]] = {
    "n": lambda totals, _decay, _at_us: float(totals.n),
    "mean": lambda totals, _decay, _at_us: totals.total / totals.n,
    "sd": lambda totals, _decay, _at_us: deviation(totals),
    "recent_n": lambda totals, decay, _at_us: totals.recent_n * decay,
    "recent_mean": lambda totals, _decay, _at_us: (
        totals.recent_total / totals.recent_n if totals.recent_n > 0 else math.nan
    ),
    "age_days": lambda totals, _decay, at_us: (at_us / 1e6 - totals.newest_s) / 86_400,
}
READABLE: Final = [fact.key for fact in Fact if fact.standing != "language"]
OF_ROW: Final[dict[str, Callable[[Row, int], float]]] = {
    "days": lambda row, at_us: (at_us - row.first_us) / DAY_US,
    "events": lambda row, _at_us: float(row.events),
    "controls_seen": lambda row, _at_us: float(len(row.controls)),
    "controls_alone_once": lambda row, _at_us: float(sum(use.alone >= 1 for use in row.controls.values())),
    "controls_alone_twice": lambda row, _at_us: float(sum(use.alone >= 2 for use in row.controls.values())),
    "controls_isolated_once": lambda row, _at_us: float(sum(use.isolated >= 1 for use in row.controls.values())),
    "controls_isolated_twice": lambda row, _at_us: float(sum(use.isolated >= 2 for use in row.controls.values())),
    "controls_alone_least": lambda row, _at_us: least([use.alone for use in row.controls.values()]),
    "controls_isolated_least": lambda row, _at_us: least([use.isolated for use in row.controls.values()]),
    "since_varied_none_s": lambda row, _at_us: since(row, "varied_none"),
    "since_varied_one_s": lambda row, _at_us: since(row, "varied_one"),
    "since_varied_some_s": lambda row, _at_us: since(row, "varied_some"),
    "since_isolated_s": lambda row, _at_us: since(row, "isolated"),
    "since_reset_s": lambda row, _at_us: since(row, "reset"),
    "handed_in_share": lambda row, _at_us: of_what_was_due(row, "submitted", lambda totals: float(totals.n)),
    "mark_of_due": lambda row, _at_us: of_what_was_due(row, "marked", lambda totals: totals.total),
}
UNKNOWN: Final = {"controls_alone_least", "controls_isolated_least", "handed_in_share", "mark_of_due"} | {
    name for name in OF_ROW if name.startswith("since_")
}


def since(row: Row, fact: str) -> float:
    newest = {
        name: row.facts[INDEX[name]].newest_s for name in (fact, "set_controls", "reset") if INDEX[name] in row.facts
    }
    last_step = max(newest.get("set_controls", -math.inf), newest.get("reset", -math.inf))
    return min(last_step - newest[fact], 240.0) if fact in newest else math.nan


def of_what_was_due(row: Row, fact: str, part: Callable[[Totals], float]) -> float:
    totals, missed = row.facts.get(INDEX[fact]), row.facts.get(INDEX["missed"])
    due = (totals.n if totals else 0) + (missed.n if missed else 0)
    return (part(totals) if totals else 0.0) / due if due else math.nan


def least(counts: Sequence[int]) -> float:
    return float(min(counts)) if counts else math.nan


def deviation(totals: Totals) -> float:
    if totals.n < 2:
        return math.nan
    mean = totals.total / totals.n
    return math.sqrt(max(totals.squares / totals.n - mean * mean, 0.0))


def expected(row: Row, name: str, at_us: int) -> float:
    """The feature, by plain Python."""
    if name in OF_ROW:
        return OF_ROW[name](row, at_us)
    fact, _, column = name.partition(".")
    totals = row.facts.get(INDEX[fact])
    if totals is None:
        return 0.0 if column in ("n", "recent_n") else math.nan
    return OF_FACT[column](totals, decayed(row.reference_us, at_us), at_us)


def test_there_is_a_column_for_every_fact_and_every_way_to_look_at_it() -> None:
    assert set(FEATURES) == {*OF_ROW, *(f"{fact}.{column}" for fact in READABLE for column in OF_FACT)}
    assert len(set(FEATURES)) == len(FEATURES) == len(OF_ROW) + len(READABLE) * len(OF_FACT)


controls = events(at=century, kinds=("control",))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(events(at=century) | controls, max_size=15), min_size=1, max_size=4), st.data())
def test_every_feature_is_what_plain_python_says_of_the_row(
    students: list[list[NativeEvent]], data: st.DataObject
) -> None:
    rows = [folded(*taken) for taken in students]
    later_us = [row.as_of_us + data.draw(st.integers(0, 400)) * DAY_US for row in rows]

    matrices = {
        "as of the row": (features_of(row_batch_of(*rows), FEATURES), [row.as_of_us for row in rows]),
        "later": (features_of(row_batch_of(*rows), FEATURES, later_us), later_us),
    }

    for when, (matrix, at_us) in matrices.items():
        right = [[expected(row, name, at) for name in FEATURES] for row, at in zip(rows, at_us, strict=True)]
        wrong = [name for column, name in enumerate(FEATURES) if not same(matrix[:, column], right, column)]
        assert wrong == [], when


def same(ours: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", right: list[list[float]], column: int) -> bool:
    """Equal to the last bit, NaN where NaN is due."""
    return np.array_equal(ours, [line[column] for line in right], equal_nan=True)


def test_a_control_without_a_name_is_a_control() -> None:
    """Its key is 0."""
    used = folded(event("control", controls={"": 1.0, "top": 0.0}, changed=1))
    names = [name for name in FEATURES if name.startswith("controls_")]

    [line] = features_of(row_batch_of(used), names).tolist()

    assert dict(zip(names, line, strict=True)) == {name: expected(used, name, used.as_of_us) for name in names}


@settings(deadline=None)
@given(st.lists(st.sampled_from(FEATURES), max_size=6))
def test_columns_come_as_they_are_named(names: list[str]) -> None:
    row_batch = row_batch_of(folded(event(), event("control", controls={"a": 1.0})), Row())
    whole = features_of(row_batch, FEATURES)

    picked = features_of(row_batch, names)

    assert picked.shape == (2, len(names))
    assert np.array_equal(picked, whole[:, [FEATURES.index(name) for name in names]], equal_nan=True)


def test_of_some_rows_features_are_those_that_they_have_among_all() -> None:
    batch = row_batch_of(
        folded(event()), Row(), folded(event("control", controls={"a": 1.0}), event("submission", score=0.5, minute=9))
    )

    for chosen in ([2, 0], [0, 1], [1]):  # those of the last two have no controls
        found = features_of(batch, FEATURES, chosen=np.array(chosen))
        assert np.array_equal(found, features_of(batch, FEATURES)[chosen], equal_nan=True)


def test_against_norms_a_row_says_what_its_cohort_is_like_and_without_them_nothing() -> None:
    cohort = {"students": 30, "n": 20, "total": 10_000, "squares": 6_000_000}
    view = NormView(snapshot_of(cohorts={"course:maths": cohort}))
    batch = row_batch_of(
        folded(event(score=0.75, course_id="maths")), folded(event(score=0.25, course_id="maths")), folded(event())
    )
    names = ["score_z", "days", "peers"]

    expected = [[0.25 / 0.05**0.5, 0, np.log1p(30)], [-0.25 / 0.05**0.5, 0, np.log1p(30)], [np.nan, 0, np.nan]]
    np.testing.assert_allclose(features_of(batch, names, norms=view), expected)
    np.testing.assert_allclose(features_of(batch, names, chosen=np.array([2, 1]), norms=view), expected[:0:-1])
    np.testing.assert_array_equal(features_of(batch, names), [[np.nan, 0, np.nan]] * 3)


def test_of_a_student_not_seen_yet_only_counts_are_known() -> None:
    [line] = features_of(row_batch_of(Row()), FEATURES)

    known = {name for name, value in zip(FEATURES, line, strict=True) if not math.isnan(value)}
    counts = {f"{fact}.{column}" for fact in READABLE for column in ("n", "recent_n")}
    assert known == counts | OF_ROW.keys() - UNKNOWN
    assert not np.nansum(line)


def test_what_is_known_is_never_nan_for_its_size() -> None:
    """One event: no spread. Evidence so old that its weight is nothing: no recent mean."""
    once = folded(event(score=0.5), event("session", phase="start", minute=60))
    decades = folded(event(score=0.5, minute=-36 * 366 * 1440), event("session", phase="start", minute=73 * 366 * 1440))
    names = ("attempted.mean", "attempted.sd", "attempted.recent_mean", "attempted.recent_n", "attempted.age_days")

    now, then = features_of(row_batch_of(once, decades), names).tolist()

    assert now[0] == now[2] == then[0] == 0.5
    assert math.isnan(now[1])
    assert now[3] == pytest.approx(1, rel=1e-2)
    assert math.isnan(then[2])
    assert then[3] == 0
    assert then[4] == pytest.approx(109 * 366)


@pytest.mark.parametrize("name", ["", "nothing", "attempted", "attempted.", "attempted.median", "danced.n", "n", ".n"])
def test_a_name_that_is_not_a_feature_is_refused(name: str) -> None:
    with pytest.raises(KeyError):
        features_of(row_batch_of(Row()), [name])


def test_the_committed_page_is_what_the_declarations_say() -> None:
    page = Path(__file__).parents[2] / "docs" / "features.md"

    assert page.read_text() == page_of_features(), "run: python -m agents.cli.features_page > docs/features.md"

"""Who is owed an explanation, and what a result does to it."""

from dataclasses import replace
from typing import Literal
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Fatal
from schemas.explanation import ReasoningResult
from streams.reasoning.policy import pending as pending_module
from streams.reasoning.policy.pending import apply, is_pending, note_pending, owed, priority_us, values_of
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import Pending, Row
from streams.scoring.fusion import Fused
from streams.skills.skill_set import Levels
from tests.unit.row_strategies import rows
from tests.unit.stored_rows import VERSION_1

POLICY = PendingPolicy()
LEVELS = Levels()
unit = st.floats(0, 1)
times_us = st.integers(1, 10**12)
sequences = st.tuples(st.integers(0, 2), st.integers(-1, 50))
pendings = st.builds(
    Pending,
    reasoned_epoch=st.integers(0, 2),
    reasoned_offset=st.integers(-1, 50),
    value=unit,
    since_us=st.integers(0, 10**12),
    attempts=st.integers(0, 5),
    not_before_us=st.integers(0, 10**12),
)
outcomes: st.SearchStrategy[Literal["explained", "failed"]] = st.sampled_from(["explained", "failed"])


def result(
    outcome: Literal["explained", "failed"], seq: tuple[int, int] = (0, 5), attempts: int = 1, at_us: int = 1000
) -> ReasoningResult:
    not_before_us = 7000 if outcome == "failed" else 0
    return ReasoningResult(
        version=1,
        student_id="s",
        seq=seq,
        outcome=outcome,
        attempts=attempts,
        at_us=at_us,
        not_before_us=not_before_us,
    )


def worths(scores: list[float], confidences: list[float], explained: list[float], *, fitted: bool) -> list[float]:
    """Of one student each, with one skill; NaN: nothing is known, -1: never explained; not `fitted`: a profile."""
    score, confidence = np.array(scores)[:, None], np.array(confidences)[:, None]
    fused = Fused(score, score, score, confidence, {}, fitted=np.full(score.shape, fitted))
    worth: list[float] = values_of(fused, np.array(explained)[:, None], LEVELS, POLICY).tolist()
    return worth


def worth(explained: float, score: float, confidence: float = 0.8, *, fitted: bool = True) -> float:
    return worths([score], [confidence], [explained], fitted=fitted)[0]


def test_a_belief_that_did_not_move_is_worth_nothing() -> None:
    assert worth(0.5, 0.5) == 0


def test_worth_grows_with_movement_with_sureness_and_with_a_level_crossed() -> None:
    assert worth(0.45, 0.5) < worth(0.45, 0.6)
    assert worth(0.45, 0.6, 0.2) < worth(0.45, 0.6, 0.9)
    within, across = worth(0.45, 0.55), worth(0.35, 0.45)
    assert across > within + 0.2


def test_the_worthiest_skill_counts_and_what_was_never_explained_is_news() -> None:
    score, confidence = np.array([[0.5, 0.9, np.nan]]), np.array([[0.9, 0.9, np.nan]])
    both = Fused(score, score, score, confidence, {}, fitted=np.full(score.shape, True))

    assert values_of(both, np.array([[0.5, -1.0, -1.0]]), LEVELS, POLICY) == pytest.approx([0.9])
    found = worths([0.5, 0.5, np.nan], [0.0, 0.9, np.nan], [-1.0, -1.0, -1.0], fitted=True)
    assert found == [0.0, pytest.approx(0.9 * POLICY.crossing), 0.0]


def test_a_profile_is_worth_how_far_its_indicators_have_moved_and_crosses_no_level() -> None:
    assert worth(0.5, 0.5, fitted=False) == 0
    assert worth(-1.0, 0.5, fitted=False) == worth(-1.0, 0.5), "the first time there is enough to tell"
    assert worth(0.35, 0.45, fitted=False) == pytest.approx(0.8 * 0.1 / POLICY.full_move)
    assert worth(0.35, 0.45, fitted=False) < worth(0.35, 0.45) < 1
    assert worth(-1.0, 0.9, fitted=False) == worth(0.5, 0.9, fitted=False) > 0.5


@given(explained=unit, score=unit, confidence=unit)
def test_worth_lies_between_0_and_1(explained: float, score: float, confidence: float) -> None:
    assert 0 <= worth(explained, score, confidence) <= 1


def test_the_latest_value_wins_and_the_first_time_stays() -> None:
    pending = Pending()
    note_pending(pending, 0.4, 100, POLICY)
    note_pending(pending, 0.9, 200, POLICY)
    assert (pending.since_us, pending.value) == (100, 0.9)


def test_a_belief_that_returned_owes_nothing() -> None:
    pending = Pending()
    note_pending(pending, 0.4, 100, POLICY)
    note_pending(pending, 0.01, 200, POLICY)
    assert not is_pending(pending)


def test_an_explanation_ends_what_is_pending_and_starts_the_cooldown() -> None:
    pending = Pending(value=0.5, since_us=10, attempts=2)
    assert apply(pending, result("explained"), (0, 5), POLICY)
    assert pending == Pending(reasoned_epoch=0, reasoned_offset=5, not_before_us=1000 + 600_000_000)


def test_a_row_that_moved_on_stays_pending_from_when_it_was_served() -> None:
    pending = Pending(value=0.5, since_us=10)
    apply(pending, result("explained"), (0, 6), POLICY)
    assert (pending.since_us, pending.value) == (1000, 0.5)


def test_a_failure_is_counted_and_put_off() -> None:
    pending = Pending(value=0.5, since_us=10)
    assert not apply(pending, result("failed", attempts=3), (0, 5), POLICY)
    assert (pending.attempts, pending.not_before_us, pending.since_us) == (3, 7000, 10)


def test_what_comes_after_an_explanation_of_the_same_or_newer_is_stale() -> None:
    pending = Pending()
    apply(pending, result("explained", seq=(1, 0)), (1, 0), POLICY)
    before = msgspec.structs.replace(pending)
    for late in (result("failed", seq=(1, 0)), result("explained", seq=(0, 99)), result("failed", seq=(0, 7))):
        assert not apply(pending, late, (1, 0), POLICY)
        assert pending == before


@given(pending=pendings, outcome=outcomes, seq=sequences, row=sequences, attempts=st.integers(0, 5), at_us=times_us)
def test_applying_a_result_twice_is_applying_it_once(
    pending: Pending, outcome: Literal["explained", "failed"], seq: tuple[int, int], row: tuple[int, int],
    attempts: int, at_us: int,
) -> None:  # fmt: skip
    became = result(outcome, seq, attempts, at_us)
    apply(pending, became, row, POLICY)
    once = msgspec.structs.replace(pending)
    assert not apply(pending, became, row, POLICY)
    assert pending == once


@given(pending=pendings, results=st.lists(st.builds(result, outcomes, sequences), max_size=8))
def test_what_was_explained_never_goes_back(pending: Pending, results: list[ReasoningResult]) -> None:
    for became in results:
        before = pending.reasoned_epoch, pending.reasoned_offset
        apply(pending, became, (1, 10), POLICY)
        assert (pending.reasoned_epoch, pending.reasoned_offset) >= before


@given(since=times_us, later_us=st.integers(0, 10**10), value=unit, other=unit)
def test_nobody_is_overtaken_by_what_came_patience_later(since: int, later_us: int, value: float, other: float) -> None:
    patience_us = round(POLICY.patience_s * 1e6)
    assert priority_us(since, value, POLICY) <= priority_us(since + patience_us + later_us, other, POLICY)


@pytest.mark.parametrize("wrong", [{"patience_s": 0.0}, {"cooldown_s": -1.0}, {"full_move": 0.0}, {"min_value": 2.0}])
def test_a_policy_that_orders_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="PendingPolicy"):
        replace(POLICY, **wrong)


stored_rows = st.lists(rows().map(encode_row) | st.just(VERSION_1) | st.just(encode_row(Row())), max_size=7)


@settings(max_examples=40, deadline=None)
@given(stored=stored_rows, chunk=st.integers(1, 4))
def test_of_stored_rows_those_that_are_owed_are_found_whatever_the_chunks(stored: list[bytes], chunk: int) -> None:
    keyed = [(str(number).encode(), row) for number, row in enumerate(stored)]
    read = [(key, decode_row(row)) for key, row in keyed]

    with patch.object(pending_module, "CHUNK", chunk):
        found = list(owed(iter(keyed)))

    assert found == [(key, (row.epoch, row.offset), row.pending) for key, row in read if is_pending(row.pending)]


def test_a_row_that_cannot_be_read_is_not_passed_over_as_owing_nothing() -> None:
    with pytest.raises(Fatal):
        list(owed([(b"ada", encode_row(Row())), (b"bo", b"\xc0")]))
    with pytest.raises(Fatal):
        list(owed([(b"ada", encode_row(Row())[:40]), (b"bo", encode_row(Row()))]))
    with pytest.raises(Fatal):
        list(owed([(b"ada", encode_row(Row())[:40]), (b"bo", encode_row(Row())[:64])]))  # together of the right length

"""Folding: the same rows however records are cut, repeated, replayed or permuted; every event accounted for."""

import asyncio
import math
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NativeEvent
from streams.folding.history import FoldOutcome
from streams.replay import FileRecord, Replay
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import HALF_LIFE_US, Row, SkillState
from streams.vocabulary import INDEX, skill_code
from tests.events import (
    NOW_US,
    Processed,
    Student,
    default_pipeline,
    event,
    folded,
    processed,
    raw,
    record,
    records,
    rows_of,
    updates_of,
)
from tests.unit.reference_folding import decayed, rebase
from tests.unit.strategies import cuts, events, streams

LATER_US = NOW_US + 1
YEAR_MINUTES = 366 * 1440
ORDERED = {"retried", "recovered"}  # what an attempt owes to an earlier failure depends on order
ORDERED_CODES = {INDEX[name] for name in ORDERED}


def replayed(batches: list[list[FileRecord]]) -> Replay:
    """The batches folded and scored, each row encoded and decoded between them."""
    replay = Replay(default_pipeline())

    async def feed() -> None:
        for batch in batches:
            await replay.feed(batch)

    asyncio.run(feed())
    return replay


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_rows_and_counts_are_the_same_however_the_records_are_cut(data: st.DataObject) -> None:
    taken = data.draw(streams())

    whole, cut = replayed([taken]), replayed(data.draw(cuts(taken)))

    assert dict(whole.rows.items(0)) == dict(cut.rows.items(0))
    assert asdict(whole.counts) == asdict(cut.counts)


@settings(max_examples=80, deadline=None)
@given(streams())
def test_every_event_is_accounted_for(taken: list[FileRecord]) -> None:
    counts = fold(taken, {}).counts

    assert counts.records_in == counts.events_in == len(taken)
    assert counts.events_in == counts.applied + counts.ignored + counts.duplicates + counts.dead_lettered
    assert counts.late <= counts.applied
    assert counts.dead_lettered == counts.reasons.total()


def fold(taken: list[FileRecord], rows: dict[str, bytes]) -> Processed:
    """Process over encoded rows, and put back what changed."""
    result = processed(taken, rows, scores=True)
    rows.update(rows_of(result))
    return result


def students_of(result: Processed) -> list[str]:
    """Those whom an update is about."""
    return [key.decode() for key in result.updates]


def re_emitted_students(result: Processed) -> dict[str, int]:
    """The students whose update is re-emitted though nothing new was folded, and their offsets."""
    about = {update.student_id: update.seq[1] for update in updates_of(result)}
    return {student: offset for student, offset in about.items() if student.encode() not in result.rows}


@settings(max_examples=60, deadline=None)
@given(streams(), st.integers(0, 29))
def test_a_replay_from_an_earlier_offset_changes_nothing_and_says_the_students_again(
    taken: list[FileRecord], start: int
) -> None:
    rows: dict[str, bytes] = {}
    first = fold(taken, rows)
    kept = dict(rows)
    again = taken[min(start, len(taken)) :]

    second = fold(again, rows)

    assert rows == kept
    assert second.rows == {}
    assert second.counts.applied == 0
    touched = {decode_row(row).offset for row in rows_of(first).values()} & {one.offset for one in again}
    assert set(re_emitted_students(second).values()) >= touched


def test_after_a_crash_the_rest_is_folded_and_the_folded_is_re_emitted() -> None:
    values = [raw(minute=minute, student=student) for minute in range(4) for student in ("ada", "bo")]
    taken, rows = records(values), dict[str, bytes]()
    fold(taken[:5], rows)

    batch = fold(taken[3:6], rows)

    assert (batch.counts.replayed, batch.counts.applied) == (2, 1)
    assert (students_of(batch)[0], re_emitted_students(batch)) == ("bo", {"ada": 4})
    batch = fold(taken[3:], rows)
    assert (batch.counts.replayed, batch.counts.applied) == (3, 2)
    assert (set(students_of(batch)), re_emitted_students(batch)) == ({"ada", "bo"}, {})
    whole: dict[str, bytes] = {}
    fold(taken, whole)
    assert rows == whole


ids = st.integers(0, 10**9).map(str)


@settings(max_examples=80, deadline=None)
@given(st.lists(events(ids), max_size=25, unique_by=lambda one: one.event_id), st.randoms(use_true_random=False))
def test_permuted_arrival_comes_to_the_same_statistics(one_order: list[NativeEvent], random: Any) -> None:
    other_order = list(one_order)
    random.shuffle(other_order)

    one, other = at_now(one_order), at_now(other_order)

    for ordered in ORDERED:
        one.facts.pop(INDEX[ordered], None)
        other.facts.pop(INDEX[ordered], None)
    assert (one.events, one.first_us, one.as_of_us) == (other.events, other.first_us, other.as_of_us)
    assert one.controls == other.controls
    assert set(one.facts) == set(other.facts)
    for fact, totals in one.facts.items():
        assert columns(totals) == pytest.approx(columns(other.facts[fact]), rel=1e-9, abs=1e-12)
    for skill in one.skills.keys() | other.skills.keys():
        skill_states = [columns(row.skills.get(skill, SkillState())) for row in (one, other)]
        evidence_items = [skill_state.pop("evidence_items") for skill_state in skill_states]
        if not ORDERED_CODES & {evidence_item.code for evidence_item in evidence_items[0] + evidence_items[1]}:
            assert evidence_items[0] == evidence_items[1]
        assert skill_states[0] == pytest.approx(skill_states[1], rel=1e-9, abs=1e-12)


def columns(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def at_now(taken: list[NativeEvent]) -> Row:
    """A row of these events, its decayed sums carried to `as_of`."""
    student = Student()
    student.fold_all([(one, LATER_US) for one in taken])
    row = student.row
    rebase(row, row.as_of_us)
    return row


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-34 * YEAR_MINUTES, 70 * YEAR_MINUTES), st.floats(0, 1)), min_size=1, max_size=20)
)
def test_sums_stay_right_over_a_century(scored: list[tuple[int, float]]) -> None:
    taken = [event(minute=minute, score=score, event_id=str(n)) for n, (minute, score) in enumerate(scored)]

    row = folded(*taken)

    weights = [2 ** ((minute * 60e6 + NOW_US - row.as_of_us) / HALF_LIFE_US) for minute, _ in scored]
    expected = math.fsum(weight * score for weight, (_, score) in zip(weights, scored, strict=True))
    totals, factor = row.facts[INDEX["attempted"]], decayed(row.reference_us, row.as_of_us)
    assert totals.recent_n * factor == pytest.approx(math.fsum(weights), rel=1e-9)
    assert totals.recent_total * factor == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert totals.n == len(scored)


def test_ids_are_compared_whole_and_not_across_their_borders() -> None:
    digest = folded(event(event_id="x")).ids
    student = Student(Row(ids=b"abc" + digest + b"defgh", noted=2))

    assert student.fold(event(event_id="x"), LATER_US) is FoldOutcome.APPLIED
    assert student.fold(event(event_id="x"), LATER_US) is FoldOutcome.DUPLICATE


def test_what_was_sent_until_a_student_was_erased_never_counts() -> None:
    rows = {"ada": encode_row(Row(offset=3, erased_us=NOW_US))}
    tombstone = dict(rows)
    old, new = (NOW_US // 1000 + later_ms for later_ms in (0, 1))

    before = fold([record(raw(minute=-2), 2, timestamp=old), record(raw(minute=-1), 4, timestamp=old)], rows)

    assert (before.counts.replayed, before.counts.ignored, students_of(before), rows) == (1, 1, [], tombstone)
    after = [record(raw(minute=0), 5, timestamp=new), record(raw(minute=1), 6, timestamp=old)]
    assert fold(after, rows).counts.applied == 1
    assert fold([record(raw(minute=2), 7, timestamp=old)], rows).counts.ignored == 1
    assert (decode_row(rows["ada"]).events, decode_row(rows["ada"]).offset) == (1, 5)


class TestTryingAgain:
    """A platform that does not number its tries."""

    def count(self, *taken: NativeEvent) -> dict[str, int]:
        facts = folded(*taken).facts
        return {name: facts[INDEX[name]].n for name in ("retried", "recovered") if INDEX[name] in facts}

    def test_passing_what_failed_before_is_a_retry_and_a_recovery(self) -> None:
        assert self.count(event(minute=0, score=0.0), event(minute=5)) == {"retried": 1, "recovered": 1}

    def test_failing_it_again_is_a_retry_only(self) -> None:
        assert self.count(event(minute=0, score=0.0), event(minute=5, score=0.2)) == {"retried": 1}

    def test_another_item_is_neither(self) -> None:
        assert self.count(event(minute=0, score=0.0), event(minute=5, item_id="q2")) == {}

    def test_a_second_pass_is_neither(self) -> None:
        taken = [event(minute=0, score=0.0), event(minute=5), event(minute=9)]
        assert self.count(*taken) == {"retried": 1, "recovered": 1}

    def test_success_decides_what_failed_and_what_passed_whatever_the_score(self) -> None:
        taken = [event(minute=0, score=0.7, success=False), event(minute=5, score=0.4, success=True)]
        assert self.count(*taken) == {"retried": 1, "recovered": 1}

        facts = folded(*taken).facts
        assert (facts[INDEX["failed"]].total, facts[INDEX["passed"]].total) == (1 - 0.7, 0.4)
        assert facts[INDEX["attempted"]].total == 0.7 + 0.4

    def test_a_numbered_try_counts_once(self) -> None:
        taken = [event(minute=0, score=0.0), event(minute=5, attempt=2)]
        assert self.count(*taken) == {"retried": 1, "recovered": 1}

    def test_beyond_the_lateness_bound_no_failure_is_closed(self) -> None:
        late = event(minute=-100, item_id="q1")
        assert self.count(event(minute=-200, score=0.0), event(minute=0, item_id="q2"), late) == {}


def test_the_evidence_kept_is_the_newest_and_weightiest() -> None:
    day = 1440
    taken = [event("rubric", rating=1.0, minute=-day * age, event_id=str(age)) for age in (400, 3, 2, 1, 0)]
    taken += [event("collaboration", minute=-day, event_id="weak")]

    kept = folded(*taken).skills[skill_code("empathy")].evidence_items

    assert [evidence_item.time_s for evidence_item in kept] == [NOW_US // 10**6 - 86_400 * age for age in (0, 1, 2)]
    assert all(a.time_s >= b.time_s for a, b in pairwise(kept))


@pytest.mark.parametrize(("rating", "direction"), [(0.0, -1), (0.49, -1), (0.5, 1), (0.51, 1), (1.0, 1)])
def test_a_rating_speaks_the_way_it_points(rating: float, direction: int) -> None:
    [update] = updates_of(processed([record(raw("rubric", rating=rating))], scores=True))

    [item] = update.skills["empathy"].evidence
    assert (item.fact, item.value, item.direction) == ("rubric", rating, direction)


def test_a_rating_of_a_skill_that_is_not_configured_is_ignored_with_its_reason() -> None:
    taken = records([raw("rubric", skill="teamwrok", event_id="r1"), raw(event_id="a1", minute=1)])
    batch = processed(taken)

    assert (batch.counts.ignored, batch.counts.applied) == (1, 1)
    assert batch.counts.unknown == {("native", "unknown_skill (teamwrok)"): 1}

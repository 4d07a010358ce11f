"""Blocks: many rows at once, and each of them as if it were alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.bounds import MAX_SKILLS
from schemas.errors import Fatal
from streams.rows.codec import decode_row, encode_row
from streams.rows.layout import ERASED_VERSION
from streams.rows.row import MAX_ROW_BYTES, MAX_SKILL_STATES, Pending, Row, SkillState, StoredEvidenceItem, Totals
from streams.rows.row_batch import RowBatch
from streams.vocabulary import FACTS
from streams.vocabulary import skill_code as code
from tests.events import Student, default_skills, event, own_time_us, row_batch_of
from tests.unit.row_strategies import CONFIGURED, FOREIGN, pendings, rows
from tests.unit.stored_rows import (
    EVERY_FIELD,
    VERSION_1,
    VERSION_2,
    VERSION_3,
    VERSION_4,
    VERSION_5,
    VERSION_6,
    VERSION_7,
)
from tests.unit.test_row_bounds import worst_case

NAMES: Final = default_skills().names
ONE: Final = StoredEvidenceItem(1, 0.5, 7, -3)


@settings(max_examples=50, deadline=None)
@given(st.lists(rows(), max_size=6))
def test_what_goes_in_comes_out(several: list[Row]) -> None:
    stored = [encode_row(row) for row in several]

    assert RowBatch.of(stored, NAMES).encode() == stored


@settings(max_examples=50, deadline=None)
@given(st.lists(rows(CONFIGURED | FOREIGN), max_size=6))
def test_skills_that_are_not_configured_come_out_as_they_went_in(several: list[Row]) -> None:
    stored = row_batch_of(*several).encode()

    assert [decode_row(row) for row in stored] == several
    assert RowBatch.of(stored, NAMES).encode() == stored


@settings(max_examples=50, deadline=None)
@given(st.lists(rows(CONFIGURED | FOREIGN), min_size=1, max_size=6), st.permutations(NAMES))
def test_the_bytes_depend_on_neither_the_neighbours_nor_the_order_of_the_skills(
    several: list[Row], names: list[str]
) -> None:
    alone = [row_batch_of(row).encode()[0] for row in several]

    assert RowBatch.of(alone, tuple(names)).encode() == alone


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_lines_that_are_taken_are_those_rows_in_that_order(data: st.DataObject) -> None:
    several = data.draw(st.lists(rows(CONFIGURED | FOREIGN), min_size=1, max_size=5))
    lines = data.draw(st.lists(st.integers(0, len(several) - 1), max_size=6))
    stored = row_batch_of(*several).encode()
    row_batch = RowBatch.of(stored, NAMES)

    taken = row_batch.take(lines)

    assert taken.encode() == [stored[line] for line in lines]
    taken.headers["events"], taken.facts["total"][:], taken.evidence_items["weight"][:] = 3, 1e9, 0
    assert row_batch.encode() == stored


def test_a_student_not_seen_yet_is_an_empty_row() -> None:
    assert RowBatch.of([None, VERSION_4, None], NAMES).encode() == [encode_row(Row()), VERSION_4, encode_row(Row())]
    assert RowBatch.of([], NAMES).encode() == []


def test_students_of_whom_none_was_seen_yet_are_empty_rows_that_can_be_changed() -> None:
    row_batch = RowBatch.of([None, None], NAMES)
    assert row_batch.encode() == [encode_row(Row())] * 2

    row_batch.headers["events"][1], row_batch.sections["ids"][1] = 1, b"12345678"

    assert row_batch.sections["tasks"] == row_batch.sections["components"] == [b"", b""]
    assert row_batch.take([1]).encode() == [encode_row(Row(events=1, ids=b"12345678"))]
    assert RowBatch.of([None], NAMES).encode() == [encode_row(Row())]


def test_rows_of_all_versions_lie_side_by_side() -> None:
    former = [encode_row(decode_row(row)) for row in (VERSION_1, VERSION_2, VERSION_3)]
    present = [VERSION_5, VERSION_4, VERSION_6, VERSION_7]

    assert RowBatch.of([*present, VERSION_1, VERSION_2, VERSION_3], NAMES).encode() == [*present, *former]


@pytest.mark.parametrize(
    "skill_state",
    [
        SkillState(text_n=0.5, text_total=-1.0, text_newest_s=1),
        SkillState(rubric_n=0.5, rubric_total=0.25, rubric_newest_s=1),
        SkillState(score=0.0, confidence=0.0),
        SkillState(explained=0.0),
        SkillState(evidence_items=[ONE]),
        SkillState(evidence_items=[ONE] * 3),
    ],
    ids=["text", "rubric", "score", "explained", "an evidence item", "evidence_items"],
)
def test_a_cell_is_kept_for_any_one_thing_that_it_says(skill_state: SkillState) -> None:
    stored = encode_row(Row(skills={code(NAMES[0]): skill_state, code(NAMES[-1]): skill_state}))

    assert RowBatch.of([stored], NAMES).encode() == [stored]


def test_columns_are_the_rows_numbers_and_empty_where_there_is_none() -> None:
    row_batch = row_batch_of(EVERY_FIELD, Row())
    empathy = NAMES.index("empathy")

    assert row_batch.facts["recent_n"][:, 3].tolist() == [0.75, 0]
    assert row_batch.facts["n"].sum() == 2
    assert row_batch.skill_states["rubric_total"][:, empathy].tolist() == [1.5, 0]
    assert row_batch.skill_states["score"].max(axis=1).tolist() == [0.625, -1]
    assert row_batch.skill_states["explained"][:, empathy].tolist() == [0.5, -1]
    assert row_batch.evidence_items["weight"][:, empathy].tolist() == [[5, 0, 0], [0, 0, 0]]
    assert (len(row_batch), row_batch.sections["ids"]) == (2, [b"12345678", b""])


@settings(deadline=None)
@given(st.lists(pendings, max_size=3))
def test_pending_work_is_set_for_the_first_rows_only_and_in_a_batch_of_its_own(pending: list[Pending]) -> None:
    before = row_batch_of(EVERY_FIELD, EVERY_FIELD, EVERY_FIELD)

    row_batch = before.with_pending(pending)

    expected = pending + [EVERY_FIELD.pending] * (3 - len(pending))
    assert [row_batch.pending(each) for each in range(3)] == expected
    assert [decode_row(row).pending for row in row_batch.encode()] == expected
    assert [before.pending(each) for each in range(3)] == [EVERY_FIELD.pending] * 3


def test_other_scores_are_set_in_a_batch_of_its_own() -> None:
    before = row_batch_of(EVERY_FIELD, Row())
    stored = before.encode()

    row_batch = before.with_scores(np.full((2, len(NAMES)), 0.25), np.full((2, len(NAMES)), 0.5))

    assert before.encode() == stored
    for row in map(decode_row, row_batch.encode()):
        assert {(each.score, each.confidence) for each in row.skills.values()} == {(0.25, 0.5)}
        assert len(row.skills) == len(NAMES)


class TestSkillsThatAreNotConfigured:
    """Their cells are kept: the skill set may come back."""

    def test_they_stay_while_others_are_folded(self) -> None:
        foreign = {
            1: SkillState(score=0.25, confidence=0.5, explained=0.125, evidence_items=[ONE]),
            2: SkillState(text_newest_s=1),
        }
        student = Student(Row(skills=foreign))

        rated = event("rubric", skill="empathy")
        student.fold(rated, own_time_us(rated))

        assert student.row.skills == foreign | {code("empathy"): student.row.skills[code("empathy")]}
        assert student.row.skills[code("empathy")].rubric_n == 1

    def test_beyond_the_bound_they_give_way_to_the_configured(self) -> None:
        row = worst_case(MAX_SKILL_STATES)
        ours = tuple(f"skill_{number}" for number in range(MAX_SKILLS))
        row_batch = RowBatch.of([encode_row(row), encode_row(row)], ours)
        for name in ("text_newest_s", "rubric_newest_s"):
            row_batch.skill_states[name][0] = 2**32 - 1
        row_batch.evidence_items["weight"][0], row_batch.evidence_items["value"][0] = -30, 0.5

        crowded, alone = row_batch.encode()

        kept = decode_row(crowded).skills
        assert len(crowded) <= MAX_ROW_BYTES
        assert len(kept) == MAX_SKILL_STATES
        assert kept.keys() >= {code(name) for name in ours}
        assert all(kept[skill] == row.skills[skill] for skill in kept.keys() & row.skills.keys())
        assert decode_row(alone) == row


def refused(*stored: bytes) -> bool:
    try:
        RowBatch.of(stored, NAMES)
    except Fatal:
        return True
    return False


@dataclass(frozen=True)
class Wrong:
    """A byte to put in a place of a row, and where to cut it off."""

    at: int
    byte: int
    end: int | None


wrongs = st.builds(Wrong, at=st.integers(0, 295), byte=st.integers(0, 255), end=st.none() | st.integers(0, 296))


@settings(max_examples=100, deadline=None)
@example(Row(), Wrong(VERSION_4.index(b"\x01\xf1\x53\x65\x01") + 4, 2, None), Row())
@example(Row(), Wrong(VERSION_4.index(b"\x01\xf1\x53\x65\x01") + 4, 0, None), Row())
@given(rows(), wrongs | st.binary(max_size=300), rows())
def test_what_cannot_be_read_among_good_rows_is_refused_or_harms_itself_alone(
    before: Row, wrong: Wrong | bytes, after: Row
) -> None:
    if isinstance(wrong, Wrong):
        wrong = (VERSION_4[: wrong.at] + bytes([wrong.byte]) + VERSION_4[wrong.at + 1 :])[: wrong.end]
    good = encode_row(before), encode_row(after)

    try:
        first, _, last = RowBatch.of([good[0], wrong, good[1]], NAMES).encode()
    except Fatal:
        return

    assert (first, last) == good
    assert decode_row(wrong)


def test_a_row_is_not_completed_by_its_neighbour() -> None:
    """Cut between two rows, so that the bytes of both are what they would be."""
    assert refused(VERSION_4[:-8], VERSION_4[-8:] + VERSION_4)
    assert refused(b"")
    assert refused(VERSION_4, b"")
    assert refused(VERSION_4 + VERSION_4[:8], VERSION_4[8:])
    noted = VERSION_4.index(b"\x01\xf1\x53\x65\x01") + 4
    more, fewer = (VERSION_4[:noted] + bytes([count]) + VERSION_4[noted + 1 :] for count in (2, 0))
    assert refused(more, fewer)


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_row_of_a_newer_version_among_others_is_named(line: int) -> None:
    stored = [VERSION_4, VERSION_1, VERSION_4]
    stored[line] = bytes([ERASED_VERSION + 1]) + VERSION_4[1:]

    with pytest.raises(Fatal, match=f"version {ERASED_VERSION + 1};"):
        RowBatch.of(stored, NAMES)


def test_a_fact_that_only_a_newer_program_knows_is_not_lost_but_refused() -> None:
    with pytest.raises(Fatal, match="facts"):
        RowBatch.of([VERSION_4, encode_row(Row(facts={len(FACTS): Totals(1)}))], NAMES)

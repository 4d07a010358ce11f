"""How large a row may become, every field full."""

from zlib import crc32

import msgspec
import numpy as np
import pytest

from schemas.bounds import MAX_SKILLS
from schemas.event import MAX_COMPONENT_CHARS, MAX_IDENTIFIER_CHARS
from streams.folding.history import MAX_ORIGINS
from streams.rows.codec import decode_row, encode_row
from streams.rows.enrolment import EnrolmentIds, enrolment_section
from streams.rows.erasure import MAX_KNOWN_REQUESTS, RowErasure, erasure_section
from streams.rows.explanations import LastExplanation, explanations_section
from streams.rows.layout import HELD_ACT, MAX_FACTS, SEGMENT, VOIDABLE
from streams.rows.row import (
    COMPONENTS_PER_STUDENT,
    ID_BYTES,
    MAX_COMPONENTS_PER_STUDENT,
    MAX_CONTROLS,
    MAX_EVIDENCE,
    MAX_EXPLAINED_FACTS,
    MAX_HELD_ACTS,
    MAX_OPEN_FAILURES,
    MAX_ROW_BYTES,
    MAX_ROW_IDS,
    MAX_SEGMENTS,
    MAX_SKILL_STATES,
    MAX_VOIDABLE,
    MAX_VOIDABLE_OF_EVENT,
    MAX_WEEKS,
    ControlUse,
    Pending,
    Row,
    SkillState,
    StoredEvidenceItem,
    Totals,
)
from streams.rows.tasks import MAX_TASK_BYTES, tasks_section
from streams.rows.weeks import SCALE, WEEK_SCORE, WeekPoint, past_bytes, weeks_section
from streams.vocabulary import FACTS
from tests.unit.reference_components import Held, packed

FULL = 1.2345678901234567
MAX_PARTITIONS = 10_000


LATEST_S, LATEST_US = 2**32 - 1, 4_102_444_800_000_000


EVIDENCE_ITEM = StoredEvidenceItem(2**32 - 1, FULL, LATEST_S, -30, 2**32 - 1)


def full_skill_state() -> SkillState:
    return SkillState(FULL, FULL, LATEST_S, FULL, FULL, LATEST_S, FULL, FULL, FULL, [EVIDENCE_ITEM] * MAX_EVIDENCE)


def components(names: list[str]) -> bytes:
    """These components, every number as wide as it comes."""
    full = (LATEST_S, 2**32 - 1, 2**32 - 1, FULL, FULL)
    return packed({crc32(name.encode()): Held(name.encode(), *full) for name in names})


def explanations(skills: int, facts: int = MAX_EXPLAINED_FACTS) -> bytes:
    """Of so many skills, each of so many facts."""
    counts = dict.fromkeys(range(facts), (2**32 - 1, FULL))
    return explanations_section(dict.fromkeys(range(skills), LastExplanation(LATEST_S, counts)))


def tasks(count: int, chars: int = MAX_TASK_BYTES) -> bytes:
    """So many, with names of so many bytes."""
    return tasks_section(dict.fromkeys(range(1, count + 1), b"x" * chars))


def weeks(skills: int, past: int = MAX_WEEKS - 1, under_way: int | None = None) -> bytes:
    """Of so many skills with a score, each of so many weeks that are over, and the one under way."""
    scores = [(skill, SCALE, SCALE, SCALE, SCALE, 0) for skill in range(skills if under_way is None else under_way)]
    points = [WeekPoint(week, SCALE, SCALE, SCALE) for week in range(past)]
    whole = dict.fromkeys(range(skills), points) if past else {}
    return weeks_section(past, np.array(scores, WEEK_SCORE).tobytes(), past_bytes(whole))


def worst_case(
    skills: int, voidable: int = MAX_VOIDABLE_OF_EVENT, components: bytes = b"", explanations: bytes = b""
) -> Row:
    """Every bounded field full, every number as wide as it comes."""
    totals = Totals(2**32 - 1, FULL, FULL, FULL, FULL, LATEST_S)
    wide = range(2**32 - 1, 0, -1)
    return Row(
        epoch=2**32 - 1,
        offset=2**63 - 1,
        reference_us=LATEST_US,
        first_us=LATEST_US,
        as_of_us=LATEST_US,
        events=2**32 - 1,
        facts=dict.fromkeys(range(len(FACTS)), totals),
        controls=dict.fromkeys(wide[:MAX_CONTROLS], ControlUse(2**32 - 1, 2**32 - 1)),
        skills={skill: full_skill_state() for skill in wide[:skills]},
        ids=b"x" * MAX_ROW_IDS * ID_BYTES,
        origins=dict.fromkeys(range(10**9 - MAX_ORIGINS, 10**9), (10**18 - 1, 10**9 - 1)),
        open_failures=dict.fromkeys(wide[:MAX_OPEN_FAILURES], LATEST_US),
        voidable=b"\xff" * voidable * VOIDABLE.itemsize,
        noted=2**32 - 1,
        newest_us=LATEST_US,
        beyond_us=LATEST_US,
        far_times=2**64 - 1,
        segments=b"\xff" * MAX_SEGMENTS * SEGMENT.itemsize,
        acts=b"\xff" * MAX_HELD_ACTS * HELD_ACT.itemsize,
        components=components,
        explanations=explanations,
        pending=Pending(2**32 - 1, 2**63 - 1, FULL, LATEST_US, 2**32 - 1, LATEST_US),
        erased_us=LATEST_US,
    )


def test_the_worst_row_stays_within_its_bound_and_gives_nothing_up() -> None:
    longest = [chr(0x10000 + number) * MAX_COMPONENT_CHARS for number in range(MAX_COMPONENTS_PER_STUDENT)]
    row = worst_case(MAX_SKILL_STATES, components=components(longest), explanations=explanations(MAX_SKILL_STATES))
    row.tasks = tasks(MAX_SKILL_STATES * MAX_EVIDENCE)
    row.enrolment = enrolment_section(EnrolmentIds(*[chr(0x10000) * MAX_IDENTIFIER_CHARS] * 4))
    row.norms = b"\xff" * 8
    row.weeks = weeks(MAX_SKILL_STATES, under_way=MAX_SKILLS)
    requests = [(partition, 2**63 - 1, LATEST_US) for partition in range(MAX_KNOWN_REQUESTS)]
    row.erasure = erasure_section(RowErasure((2**63 - 1,) * MAX_PARTITIONS, tuple(requests)))

    stored = encode_row(row)

    assert MAX_SKILLS < MAX_SKILL_STATES
    assert MAX_ROW_BYTES - 2_048 < len(stored) <= MAX_ROW_BYTES
    assert decode_row(stored) == row


@pytest.mark.parametrize(
    ("count", "chars", "size_bytes"), [(1, 8, 56), (20, 16, 1_008), (COMPONENTS_PER_STUDENT, 20, 3_464)]
)
def test_what_components_add_to_a_row_is_as_the_docs_state_it(count: int, chars: int, size_bytes: int) -> None:
    with_components = encode_row(Row(components=components([f"{number:0{chars}}" for number in range(count)])))

    assert len(with_components) - len(encode_row(Row())) == size_bytes


@pytest.mark.parametrize(("skills", "facts", "size_bytes"), [(1, 4, 88), (7, 5, 680), (7, 16, 1_912)])
def test_what_explanations_add_to_a_row_is_as_the_docs_state_it(skills: int, facts: int, size_bytes: int) -> None:
    explained = encode_row(Row(explanations=explanations(skills, facts)))

    assert len(explained) - len(encode_row(Row())) == size_bytes


@pytest.mark.parametrize(("count", "chars", "size_bytes"), [(1, 8, 32), (6, 11, 160), (21, 64, 1_528)])
def test_what_tasks_add_to_a_row_is_as_the_docs_state_it(count: int, chars: int, size_bytes: int) -> None:
    assert len(encode_row(Row(tasks=tasks(count, chars)))) - len(encode_row(Row())) == size_bytes


@pytest.mark.parametrize(("skills", "past", "size_bytes"), [(1, 0, 40), (1, 51, 456), (2, 51, 888), (7, 51, 3_048)])
def test_what_weeks_add_to_a_row_is_as_the_docs_state_it(skills: int, past: int, size_bytes: int) -> None:
    assert len(encode_row(Row(weeks=weeks(skills, past)))) - len(encode_row(Row())) == size_bytes


@pytest.mark.parametrize(
    ("ids", "size_bytes"),
    [
        (EnrolmentIds(None, "7b"), 32),
        (EnrolmentIds("maths", "7b", "north"), 40),
        (EnrolmentIds("maths", "7b", "north", "moodle"), 56),
    ],
)
def test_what_an_enrolment_adds_to_a_row_is_as_the_docs_state_it(ids: EnrolmentIds, size_bytes: int) -> None:
    assert len(encode_row(Row(enrolment=enrolment_section(ids)))) - len(encode_row(Row())) == size_bytes


@pytest.mark.parametrize(("partitions", "size_bytes"), [(4, 96), (64, 576)])
def test_what_an_erasure_adds_to_a_row_is_as_the_docs_state_it(partitions: int, size_bytes: int) -> None:
    erasure = erasure_section(RowErasure((7,) * partitions, ((0, 1, 2),)))

    assert len(encode_row(Row(erasure=erasure))) - len(encode_row(Row())) == size_bytes


def test_norms_add_a_word_to_a_row_that_has_weeks() -> None:
    row = Row(weeks=weeks(1))

    assert len(encode_row(msgspec.structs.replace(row, norms=b"\xff" * 8))) - len(encode_row(row)) == 8


@pytest.mark.parametrize(("skills", "size_bytes"), [(7, 6_552), (8, 6_696), (MAX_SKILLS, 16_136)])
def test_the_bound_of_a_row_by_its_skills_is_as_the_docs_state_it(skills: int, size_bytes: int) -> None:
    of_marks = 2 * MAX_VOIDABLE  # each with a first answer that does not count
    assert len(encode_row(worst_case(skills, max(of_marks, skills + 7)))) == size_bytes


def test_there_is_room_for_every_fact() -> None:
    assert len(FACTS) <= MAX_FACTS
    assert len(encode_row(Row(facts={MAX_FACTS - 1: Totals(1)}))) - len(encode_row(Row())) == 40


def test_cells_beyond_the_bound_are_left_out() -> None:
    stored = encode_row(worst_case(MAX_SKILL_STATES + 1))

    assert len(stored) <= MAX_ROW_BYTES
    assert len(decode_row(stored).skills) == MAX_SKILL_STATES

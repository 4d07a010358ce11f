"""How large a row may become, every field full."""

from zlib import crc32

import pytest

from schemas.bounds import MAX_SKILLS
from schemas.event import MAX_COMPONENT_CHARS
from streams.folding.history import MAX_ORIGINS
from streams.rows.codec import decode_row, encode_row
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
    ControlUse,
    Pending,
    Row,
    SkillState,
    StoredEvidenceItem,
    Totals,
)
from streams.rows.tasks import MAX_TASK_BYTES, tasks_section
from streams.vocabulary import FACTS
from tests.unit.reference_components import Held, packed

FULL = 1.2345678901234567


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


@pytest.mark.parametrize(("skills", "size_bytes"), [(7, 6_104), (8, 6_280), (MAX_SKILLS, 16_136)])
def test_the_bound_of_a_row_by_its_skills_is_as_the_docs_state_it(skills: int, size_bytes: int) -> None:
    assert len(encode_row(worst_case(skills, max(MAX_VOIDABLE, skills + 7)))) == size_bytes


def test_there_is_room_for_every_fact() -> None:
    assert len(FACTS) <= MAX_FACTS
    assert len(encode_row(Row(facts={MAX_FACTS - 1: Totals(1)}))) - len(encode_row(Row())) == 40


def test_cells_beyond_the_bound_are_left_out() -> None:
    stored = encode_row(worst_case(MAX_SKILL_STATES + 1))

    assert len(stored) <= MAX_ROW_BYTES
    assert len(decode_row(stored).skills) == MAX_SKILL_STATES

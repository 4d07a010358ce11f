"""The row: its bytes are a contract with every changelog."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from streams.rows.codec import decode_row, encode_row
from streams.rows.components import ComponentTotals, components_of
from streams.rows.enrolment import EnrolmentIds, enrolment_of, enrolment_section
from streams.rows.erasure import RowErasure, erasure_of, erasure_section
from streams.rows.explanations import LastExplanation, explanations_of, explanations_section
from streams.rows.layout import (
    COMPONENTS_VERSION,
    ERASED_VERSION,
    EXTENDED_VERSION,
    EXTENSIONS,
    HEADER,
    MAX_FACTS,
    NORMED_VERSION,
    ROW_VERSION,
    WEEKLY_VERSION,
)
from streams.rows.row import (
    HALF_LIFE_US,
    MAX_EXPLAINED_FACTS,
    MAX_SKILL_STATES,
    MAX_WEEKS,
    RECENT_IDS,
    ControlUse,
    Row,
    SkillState,
    StoredEvidenceItem,
    Totals,
)
from streams.rows.tasks import tasks_of
from streams.rows.v1 import EvidenceItemV1
from streams.rows.weeks import UNSCORED, WeekPoint, WeekUnderWay, begins_s, monday_of, past_bytes, past_of, week_of
from streams.vocabulary import FACTS, RUBRIC, phrase_code, skill_code
from tests.unit.row_strategies import CONFIGURED, FOREIGN, rows
from tests.unit.stored_rows import (
    COMPONENTS,
    ENROLMENT,
    ENROLMENT_WITH_SOURCE,
    ERASURE,
    EVERY_FIELD,
    EXPLANATIONS,
    NORMS,
    TASKS,
    VERSION_1,
    VERSION_2,
    VERSION_3,
    VERSION_4,
    VERSION_5,
    VERSION_6,
    VERSION_7,
    VERSION_8,
    VERSION_9,
    WEEKS,
    first_version,
)


def test_the_encoding_of_version_4_stays_as_it_is() -> None:
    """Rows of running deployments look like this. If it must change: raise ROW_VERSION and upcast, don't edit."""
    assert ROW_VERSION == VERSION_4[0] == 4
    assert encode_row(EVERY_FIELD) == VERSION_4
    assert decode_row(VERSION_4) == EVERY_FIELD


def test_a_row_is_of_version_5_if_it_has_components_and_else_still_of_version_4() -> None:
    """Until the first component comes, a program that knows no version 5 reads all rows."""
    assert COMPONENTS_VERSION == VERSION_5[0] == 5
    row = msgspec.structs.replace(EVERY_FIELD, components=COMPONENTS)

    assert encode_row(row) == VERSION_5
    assert decode_row(VERSION_5) == row
    assert encode_row(msgspec.structs.replace(row, components=b"")) == VERSION_4


def test_components_are_read_from_their_part_of_a_row() -> None:
    assert components_of(decode_row(VERSION_5).components) == [
        ComponentTotals("LCM", 3, 1, 1.5, 0.25, 1_700_000_000),
        ComponentTotals("brüche", 0, 2, 0.0, 2.0, 1_700_000_001),
    ]
    assert components_of(b"") == []


def test_a_row_is_of_version_6_only_if_something_of_it_was_explained() -> None:
    """Until then a program that knows no version 6 reads all rows."""
    assert EXTENDED_VERSION == VERSION_6[0] == 6
    row = msgspec.structs.replace(EVERY_FIELD, components=COMPONENTS, explanations=EXPLANATIONS)

    assert encode_row(row) == VERSION_6
    assert decode_row(VERSION_6) == row
    assert encode_row(msgspec.structs.replace(row, explanations=b"")) == VERSION_5
    assert decode_row(encode_row(msgspec.structs.replace(row, components=b""))).explanations == EXPLANATIONS


def test_what_was_counted_at_the_last_explanation_is_read_from_its_part_of_a_row() -> None:
    assert explanations_of(decode_row(VERSION_6).explanations) == {
        1: LastExplanation(1_700_000_000, {0: (4, 3.0), 3: (2, 1.0)}),
        skill_code("empathy"): LastExplanation(1_700_000_001, {}),
    }
    assert explanations_of(b"") == {}


def test_a_row_of_version_6_may_have_tasks_with_explanations_or_without() -> None:
    lengths = (len(EXPLANATIONS) + (len(TASKS) << 32)).to_bytes(8, "little")
    both = b"\x06" + VERSION_4[1:] + lengths + EXPLANATIONS + TASKS + COMPONENTS
    row = msgspec.structs.replace(EVERY_FIELD, components=COMPONENTS, explanations=EXPLANATIONS, tasks=TASKS)

    assert encode_row(row) == both
    assert decode_row(both) == row
    assert tasks_of(TASKS) == {5: b"Sums", 9: "Übung 3".encode()}
    alone = msgspec.structs.replace(row, components=b"", explanations=b"")
    assert encode_row(alone)[0] == EXTENDED_VERSION
    assert decode_row(encode_row(alone)) == alone


def test_a_row_is_of_version_7_only_if_it_has_an_enrolment_or_weeks() -> None:
    """Until then a program that knows no version 7 reads all rows."""
    assert WEEKLY_VERSION == VERSION_7[0] == 7
    row = msgspec.structs.replace(EVERY_FIELD, components=COMPONENTS, tasks=TASKS, enrolment=ENROLMENT, weeks=WEEKS)

    assert encode_row(row) == VERSION_7
    assert decode_row(VERSION_7) == row
    assert encode_row(msgspec.structs.replace(row, enrolment=b"", weeks=b""))[0] == EXTENDED_VERSION
    for one in ("enrolment", "weeks"):
        alone = msgspec.structs.replace(EVERY_FIELD, **{one: getattr(row, one)})
        assert encode_row(alone)[0] == WEEKLY_VERSION
        assert decode_row(encode_row(alone)) == alone


def test_a_row_is_of_version_8_only_if_it_was_scored_under_norms_or_a_source_was_named() -> None:
    """Until then a program that knows no version 8 reads all rows."""
    assert NORMED_VERSION == VERSION_8[0] == 8
    parts = {"components": COMPONENTS, "tasks": TASKS, "weeks": WEEKS, "norms": NORMS}
    row = msgspec.structs.replace(EVERY_FIELD, enrolment=ENROLMENT_WITH_SOURCE, **parts)

    assert encode_row(row) == VERSION_8
    assert decode_row(VERSION_8) == row
    for one in ({"enrolment": ENROLMENT_WITH_SOURCE}, {"norms": NORMS}):
        alone = msgspec.structs.replace(EVERY_FIELD, **one)
        assert encode_row(alone)[0] == NORMED_VERSION
        assert decode_row(encode_row(alone)) == alone


def test_a_row_is_of_version_9_only_if_its_student_was_erased() -> None:
    """Until then a program that knows no version 9 reads all rows."""
    assert ERASED_VERSION == VERSION_9[0] == 9
    parts = {"components": COMPONENTS, "weeks": WEEKS, "norms": NORMS, "erasure": ERASURE}
    row = msgspec.structs.replace(EVERY_FIELD, enrolment=ENROLMENT, **parts)

    assert encode_row(row) == VERSION_9
    assert decode_row(VERSION_9) == row
    tombstone = Row(erased_us=5, erasure=ERASURE)
    assert encode_row(tombstone)[0] == ERASED_VERSION
    assert decode_row(encode_row(tombstone)) == tombstone
    assert encode_row(msgspec.structs.replace(row, erasure=b""))[0] == NORMED_VERSION


def test_where_an_erasure_ends_is_read_from_its_part_of_a_row() -> None:
    erasure = RowErasure(ends=(9, 11), requests=((3, 7, 6_640_625_000),))

    assert erasure_of(ERASURE) == erasure
    assert erasure_section(erasure) == ERASURE
    assert erasure_of(b"") == RowErasure()


def test_a_row_without_norms_and_source_stays_to_the_byte() -> None:
    row = msgspec.structs.replace(decode_row(VERSION_8), norms=b"", enrolment=ENROLMENT)

    assert encode_row(row) == VERSION_7


def test_where_a_student_learns_is_read_from_its_part_of_a_row() -> None:
    with_source = EnrolmentIds(None, "7b", "Süden", "moodle")
    assert enrolment_of(ENROLMENT_WITH_SOURCE) == with_source
    assert enrolment_section(with_source) == ENROLMENT_WITH_SOURCE
    assert enrolment_of(ENROLMENT) == EnrolmentIds(None, "7b", "Süden")
    assert enrolment_section(EnrolmentIds(None, "7b", "Süden")) == ENROLMENT
    assert enrolment_of(b"") == EnrolmentIds()


def test_weeks_are_read_from_their_part_of_a_row() -> None:
    under_way = WeekUnderWay.of([b"", WEEKS])

    assert under_way.week.tolist() == [-1, 2_933]
    assert under_way.owner.tolist() == [1]
    assert under_way.scores.tolist() == [(skill_code("empathy"), 10_000, 6_666, 4_050, UNSCORED, 0)]
    assert past_of(under_way.past[1]) == {
        skill_code("empathy"): [WeekPoint(2_931, 0, UNSCORED, UNSCORED), WeekPoint(2_932, 10_000, 4_050, 3_500)]
    }


def test_a_week_begins_on_monday() -> None:
    at = datetime(2026, 3, 30, tzinfo=UTC)
    monday_us = round(at.timestamp() * 1e6)

    assert (week_of(monday_us), week_of(monday_us - 1)) == (
        week_of(monday_us + 6 * 86_400_000_000),
        week_of(monday_us) - 1,
    )
    assert monday_of(week_of(monday_us)) == "2026-03-30"
    assert begins_s(week_of(monday_us)) == at.timestamp()


def test_of_more_weeks_than_a_row_has_the_last_are_kept_and_of_more_skills_those_of_the_last_weeks() -> None:
    points = [WeekPoint(week, 5_000, UNSCORED, UNSCORED) for week in range(60)]
    many = {skill: [WeekPoint(skill, 1, UNSCORED, UNSCORED)] for skill in range(1, MAX_SKILL_STATES + 3)}

    assert past_of(past_bytes({7: points})) == {7: points[-(MAX_WEEKS - 1) :]}
    assert list(past_of(past_bytes(many))) == list(range(3, MAX_SKILL_STATES + 3))


def test_of_more_skills_than_a_row_has_those_explained_last_are_kept() -> None:
    every = {skill: LastExplanation(skill, {}) for skill in range(1, MAX_SKILL_STATES + 3)}

    assert list(explanations_of(explanations_section(every))) == list(range(3, MAX_SKILL_STATES + 3))


def test_of_a_skill_of_more_facts_than_a_row_keeps_nothing_is_kept() -> None:
    facts = dict.fromkeys(range(MAX_EXPLAINED_FACTS + 1), (1, 1.0))

    assert explanations_section({1: LastExplanation(1, facts)}) == b""


FORMER = msgspec.structs.replace(
    EVERY_FIELD, noted=9, partial=1, newest_us=EVERY_FIELD.as_of_us, beyond_us=0, far_times=0, segments=b"", acts=b""
)


def test_a_row_of_version_3_is_the_same_row_and_holds_no_acts() -> None:
    row = decode_row(VERSION_3)

    assert row == msgspec.structs.replace(EVERY_FIELD, far_times=0, acts=b"")
    assert encode_row(row)[0] == ROW_VERSION


@pytest.mark.parametrize("stored", [VERSION_1, VERSION_2], ids=["1", "2"])
def test_a_row_of_a_former_version_is_the_same_row_and_is_stored_as_the_present_version(stored: bytes) -> None:
    """These bytes lie on the changelogs of earlier deployments: they stay readable."""
    assert decode_row(stored) == FORMER
    assert encode_row(decode_row(stored))[0] == ROW_VERSION


@pytest.mark.parametrize("events", [0, 1, RECENT_IDS, RECENT_IDS + 1, 5000])
def test_a_row_of_version_2_may_have_forgotten_ids_once_it_had_more_than_it_kept(events: int) -> None:
    at = HEADER.fields["events"][1] if HEADER.fields else 0
    row = decode_row(VERSION_2[:at] + events.to_bytes(4, "little") + VERSION_2[at + 4 :])

    assert (row.noted, row.partial) == (events, int(events > 0))
    assert row.beyond_us == (row.as_of_us if events > RECENT_IDS else 0)


def test_what_version_1_called_a_fact_a_phrase_or_a_rating_is_called_by_its_code() -> None:
    named = {"gave_up": FACTS.index("gave_up"), "rubric": RUBRIC, "~give up": phrase_code("give up")}
    first = first_version(evidence_items=[EvidenceItemV1(name, 0.5, 7, -3) for name in named])

    [skill_state] = decode_row(first).skills.values()

    assert skill_state.evidence_items == [StoredEvidenceItem(code, 0.5, 7, -3) for code in named.values()]
    assert skill_state.text_n == 1.0


def test_every_field_differs_from_its_default_in_the_sample() -> None:
    for name in set(Row.__struct_fields__) - {"erased_us", "voidable", "norms", *EXTENSIONS}:
        assert getattr(EVERY_FIELD, name) != getattr(Row(), name)


@settings(deadline=None)
@given(rows(CONFIGURED | FOREIGN))
def test_what_is_encoded_reads_back_to_equal_bytes(row: Row) -> None:
    stored = encode_row(row)

    assert decode_row(stored) == row
    assert encode_row(decode_row(stored)) == stored


def test_equal_rows_have_equal_bytes_whatever_was_first() -> None:
    parts: dict[str, Any] = {
        "facts": {1: Totals(1), 2: Totals(2)},
        "controls": {1: ControlUse(1), 2: ControlUse(2)},
        "skills": {1: SkillState(score=0.5), 2: SkillState(explained=0.5)},
        "open_failures": {1: 5, 2: 4},
    }
    turned: dict[str, Any] = {name: dict(reversed(part.items())) for name, part in parts.items()}

    assert encode_row(Row(**parts)) == encode_row(Row(**turned))


def test_origins_stay_in_the_order_of_use() -> None:
    """The least recently used is the one to be erased."""
    assert list(decode_row(encode_row(Row(origins={7: (1, 0), 3: (2, 0)}))).origins) == [7, 3]


def test_no_phrase_is_called_as_a_fact_or_a_rating() -> None:
    assert phrase_code("") > RUBRIC > MAX_FACTS


def test_the_half_life_of_stored_sums_stays_as_it_is() -> None:
    """Rows hold sums at this half-life; another one needs another row version."""
    assert HALF_LIFE_US == 30 * 86_400_000_000

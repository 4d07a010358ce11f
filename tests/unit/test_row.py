"""The row: its bytes are a contract with every changelog, and bounded."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.errors import Fatal
from streams.rows.codec import decode_row, encode_row
from streams.rows.components import ComponentTotals, components_of
from streams.rows.enrolment import EnrolmentIds, enrolment_of, enrolment_section
from streams.rows.explanations import LastExplanation, explanations_of, explanations_section
from streams.rows.layout import (
    COMPONENTS_VERSION,
    EXTENDED_VERSION,
    EXTENSIONS,
    HEADER,
    MAX_FACTS,
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
    Pending,
    Row,
    SkillState,
    StoredEvidenceItem,
    Totals,
)
from streams.rows.tasks import tasks_of
from streams.rows.v1 import EvidenceItemV1, RowV1, TotalsV1
from streams.rows.weeks import UNSCORED, WeekPoint, WeekUnderWay, begins_s, monday_of, past_bytes, past_of, week_of
from streams.vocabulary import FACTS, RUBRIC, phrase_code, skill_code
from tests.unit.row_strategies import CONFIGURED, FOREIGN, rows

EVERY_FIELD = Row(
    epoch=2,
    offset=70_000,
    reference_us=1_700_000_000_000_000,
    first_us=1_699_000_000_000_000,
    as_of_us=1_700_000_500_000_000,
    events=9,
    facts={3: Totals(2, 1.5, 1.25, 0.75, 0.5, 1_700_000_000)},
    controls={77: ControlUse(2, 1)},
    skills={
        skill_code("empathy"): SkillState(
            1.0,
            0.5,
            1_700_000_000,
            2.0,
            1.5,
            1_700_000_001,
            0.625,
            0.25,
            0.5,
            [StoredEvidenceItem(phrase_code("so sad"), 0.5, 1_700_000_000, 5)],
        )
    },
    ids=b"12345678",
    noted=300,
    partial=1,
    newest_us=1_700_000_700_000_000,
    beyond_us=1_600_000_000_000_000,
    segments=b"87654321",
    far_times=2**63 + 5,
    acts=b"abcdefghijklmnop",
    origins={3: (41, 0)},
    open_failures={99: 1_700_000_000_000_000},
    pending=Pending(2, 69_000, 0.5, 1_700_000_000_000_000, 1, 1_700_000_600_000_000),
    erased_us=0,
)
VERSION_1 = bytes.fromhex(
    "dc00100102ce00011170cf00060a24181e4000cf0006093b43793000cf00060a2435eba500090181039602cb3ff800000000"
    "0000cb3ff4000000000000cb3fe8000000000000cb3fe0000000000000ce6553f100814d92020181a7656d70617468799acb"
    "3ff0000000000000cb3fe0000000000000ce6553f100cb4000000000000000cb3ff8000000000000ce6553f101cb3fe40000"
    "00000000cb3fd0000000000000cb3fe00000000000009194a77e736f20736164cb3fe0000000000000ce6553f10005c40831"
    "3233343536373881039229008163cf00060a24181e40009602ce00010d88cb3fe0000000000000cf00060a24181e400001cf"
    "00060a243be1860000"
)
VERSION_2 = bytes.fromhex(
    "020101010101010008000000000000000200000009000000701101000000000000401e18240a0600003079433b09060000a5"
    "eb35240a06000000000000000000880d0100000000000200000001000000000000000000e03f00401e18240a06000086e13b"
    "240a06000200000000f15365000000000000f83f000000000000f43f000000000000e83f000000000000e03faa38c55d00f1"
    "536501f1536501000000000000000000f03f000000000000e03f0000000000000040000000000000f83f000000000000e43f"
    "000000000000d03f000000000000e03fc0b8aae700f15365000000000000e03f050000000000000031323334353637384d00"
    "0000020000000100000000000000630000000000000000401e18240a060003000000000000002900000000000000"
)
VERSION_3 = bytes.fromhex(
    "030101010101010008000000000000000200000009000000701101000000000000401e18240a0600003079433b09060000a5"
    "eb35240a06000000000000000000880d0100000000000200000001000000000000000000e03f00401e18240a06000086e13b"
    "240a06002c010000010001000067d741240a06000000a40731af05000200000000f15365000000000000f83f000000000000"
    "f43f000000000000e83f000000000000e03faa38c55d00f1536501f1536501000000000000000000f03f000000000000e03f"
    "0000000000000040000000000000f83f000000000000e43f000000000000d03f000000000000e03fc0b8aae700f153650000"
    "00000000e03f050000000000000031323334353637384d000000020000000100000000000000630000000000000000401e18"
    "240a0600030000000000000029000000000000003837363534333231"
)
VERSION_4 = bytes.fromhex(
    "040101010101010008000000000000000200000009000000701101000000000000401e18240a0600003079433b09060000a5"
    "eb35240a06000000000000000000880d0100000000000200000001000000000000000000e03f00401e18240a06000086e13b"
    "240a06002c010000010001010067d741240a06000000a40731af050005000000000000800200000000f15365000000000000"
    "f83f000000000000f43f000000000000e83f000000000000e03faa38c55d00f1536501f1536501000000000000000000f03f"
    "000000000000e03f0000000000000040000000000000f83f000000000000e43f000000000000d03f000000000000e03fc0b8"
    "aae700f15365000000000000e03f050000000000000031323334353637384d00000002000000010000000000000063000000"
    "0000000000401e18240a06000300000000000000290000000000000038373635343332316162636465666768696a6b6c6d6e"
    "6f70"
)

COMPONENTS = bytes.fromhex(
    "020000000a0000005d8cf85500f153650300000001000000000000000000f83f000000000000d03f504cd3e401f153650000"
    "00000200000000000000000000000000000000000040030007004c434d6272c3bc6368650000"
)
VERSION_5 = b"\x05" + VERSION_4[1:] + COMPONENTS
EXPLANATIONS = bytes.fromhex(
    "0100000000f1536502000000000000000000000004000000000000000000084003000000020000000000000000"
    "00f03faa38c55d01f153650000000000000000"
)
TASKS = bytes.fromhex("02000000000000000500000004000000090000000800000053756d7300000000c39c62756e672033")
VERSION_6 = b"\x06" + VERSION_4[1:] + len(EXPLANATIONS).to_bytes(8, "little") + EXPLANATIONS + COMPONENTS
ENROLMENT = bytes.fromhex("0000020006000000376253c3bc64656e")
WEEKS = bytes.fromhex(
    "750b010000000000aa38c55d10270a1ad20fffff00000000aa38c55d02000000730b0000ffffffff740b1027d20fac0d"
)
VERSION_7 = (
    b"\x07"
    + VERSION_4[1:]
    + (len(TASKS) << 32).to_bytes(8, "little")
    + (len(ENROLMENT) + (len(WEEKS) << 32)).to_bytes(8, "little")
    + TASKS
    + ENROLMENT
    + WEEKS
    + COMPONENTS
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


def test_where_a_student_learns_is_read_from_its_part_of_a_row() -> None:
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


def first_version(evidence_items: list[EvidenceItemV1] | None = None, **changed: Any) -> bytes:
    """The sample of version 1 with other values in it."""
    row = msgspec.msgpack.decode(VERSION_1, type=RowV1)
    if evidence_items is not None:
        changed["skills"] = {"empathy": msgspec.structs.replace(row.skills["empathy"], evidence_items=evidence_items)}
    return msgspec.msgpack.encode(msgspec.structs.replace(row, **changed))


def test_every_field_differs_from_its_default_in_the_sample() -> None:
    for name in set(Row.__struct_fields__) - {"erased_us", "voidable", *EXTENSIONS}:
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


WITH_TASKS = encode_row(msgspec.structs.replace(EVERY_FIELD, tasks=TASKS))
TWO_SKILL_STATES = encode_row(Row(skills={1: SkillState(score=0.25), 2: SkillState(score=0.5)}))
NOT_ROWS = {
    "nothing": b"",
    "MessagePack nil": b"\xc0",
    "JSON": b"{}",
    "version 1 cut off": VERSION_1[:-3],
    "version 1 and more": VERSION_1 + b"\x00",
    "version 2 with a header cut off": VERSION_2[:100],
    "version 2 cut off by a word": VERSION_2[:-8],
    "version 2 and a word more": VERSION_2 + bytes(8),
    "version 3 with a header cut off": VERSION_3[:100],
    "version 3 cut off by a word": VERSION_3[:-8],
    "a header cut off": VERSION_4[:100],
    "cut off by a byte": VERSION_4[:-1],
    "cut off by a word": VERSION_4[:-8],
    "a word too many": VERSION_4 + bytes(8),
    "a cell with more evidence items than there are": VERSION_4.replace(
        b"\x01\xf1\x53\x65\x01", b"\x01\xf1\x53\x65\x02"
    ),
    "a cell with fewer evidence items than there are": VERSION_4.replace(
        b"\x01\xf1\x53\x65\x01", b"\x01\xf1\x53\x65\x00"
    ),
    "two cells of one skill": TWO_SKILL_STATES.replace(
        b"\x02\x00\x00\x00" + bytes(12), b"\x01\x00\x00\x00" + bytes(12)
    ),
    "version 4 with components": VERSION_4 + COMPONENTS,
    "version 5 without components": b"\x05" + VERSION_4[1:],
    "version 5 with no components": b"\x05" + VERSION_4[1:] + bytes(8),
    "version 5 cut off by a word": VERSION_5[:-8],
    "version 5 and a word more": VERSION_5 + bytes(8),
    "version 5 with billions of components": b"\x05" + VERSION_4[1:] + b"\xff" * 16,
    "a component without a name": VERSION_5.replace(b"\x03\x00\x07\x00", b"\x0a\x00\x00\x00"),
    "names of other lengths": VERSION_5.replace(b"\x03\x00\x07\x00", b"\x03\x00\x06\x00"),
    "a name of another component": VERSION_5.replace(b"LCM", b"GCD"),
    "something behind the names": VERSION_5[:-1] + b"x",
    "version 6 without explanations": b"\x06" + VERSION_5[1:],
    "version 6 with no explanations": b"\x06" + VERSION_4[1:] + bytes(8) + COMPONENTS,
    "version 6 cut off by a word": VERSION_6[:-8],
    "version 6 cut off in the explanations": VERSION_6[: len(VERSION_4) + 16],
    "version 6 with more explanations than there are": VERSION_6.replace(b"\x40\0\0\0\0\0\0\0", b"\xf8" + bytes(7)),
    "explanations with billions of counts": VERSION_6.replace(b"\x02\0\0\0" + bytes(8), b"\xff" * 4 + bytes(8)),
    "explanations in another order": VERSION_6.replace(EXPLANATIONS, EXPLANATIONS[48:] + EXPLANATIONS[:48]),
    "two explanations of one skill": VERSION_6.replace(EXPLANATIONS[48:52], EXPLANATIONS[:4]),
    "version 7 with one word of lengths": b"\x07" + VERSION_4[1:] + b"\1" + bytes(7),
    "version 7 with no enrolment and no weeks": b"\x07" + WITH_TASKS[1 : -len(TASKS)] + bytes(8) + TASKS,
    "version 7 cut off by a word": VERSION_7[:-8],
    "version 7 cut off in the weeks": VERSION_7[: -len(COMPONENTS) - 8],
    "an enrolment that is no text": VERSION_7.replace(b"7bS", b"\xff\xffS"),
    "an enrolment of other lengths": VERSION_7.replace(ENROLMENT[:6], b"\0\0\x02\0\x05\0"),
    "an enrolment longer than its part": VERSION_7.replace(ENROLMENT[:6], b"\xff" * 6),
    "an enrolment of nothing": VERSION_7.replace(ENROLMENT, bytes(len(ENROLMENT))),
    "more skills in the week under way than there are": VERSION_7.replace(WEEKS[:4], WEEKS[:2] + b"\xff\xff"),
    "more weeks than there are": VERSION_7.replace(WEEKS[24:32], WEEKS[24:28] + b"\xff" * 4),
    "weeks in another order": VERSION_7.replace(WEEKS[32:], WEEKS[40:] + WEEKS[32:40]),
    "two weeks that are one": VERSION_7.replace(WEEKS[32:40], WEEKS[40:]),
    "tasks that are not there": WITH_TASKS[: -len(TASKS)],
    "tasks cut off by a word": WITH_TASKS[:-8],
    "more tasks than there are": WITH_TASKS.replace(TASKS[:8], b"\x03" + bytes(7)),
    "no tasks": WITH_TASKS.replace(TASKS[:8], bytes(8)),
    "billions of tasks": WITH_TASKS.replace(TASKS[:8], b"\xff" * 8),
    "tasks in another order": WITH_TASKS.replace(TASKS[8:12], b"\xff" * 4),
    "a name of a task that is longer than the part": WITH_TASKS.replace(TASKS[12:16], b"\xff" * 4),
    "something behind a name of a task": WITH_TASKS.replace(b"Sums\0", b"Sums\1"),
    "a name of a task that is no text": WITH_TASKS.replace(b"Sums", b"\xff\xff\xff\xff"),
    "version 1 with a fact of another program": first_version([EvidenceItemV1("danced", 1.0, 1, 1)]),
    "version 1 with more events than fit": first_version(events=2**32),
    "version 1 with fewer than no events": first_version(events=-1),
    "version 1 with a fact beyond all": first_version(facts={MAX_FACTS: TotalsV1(1, 1.0, 1.0, 1.0, 1.0, 1)}),
    "version 1 with a negative fact": first_version(facts={-1: TotalsV1(1, 1.0, 1.0, 1.0, 1.0, 1)}),
    "version 1 with a negative item": first_version(open_failures={-1: 1}),
    "version 1 with more evidence than fits": first_version([EvidenceItemV1("late", 1.0, 1, 1)] * 300),
    "version 1 with a part of an id": first_version(ids=b"123456789"),
}


@pytest.mark.parametrize("stored", NOT_ROWS.values(), ids=NOT_ROWS)
def test_a_row_that_cannot_be_understood_stops_the_worker(stored: bytes) -> None:
    with pytest.raises(Fatal, match="a stored row"):
        decode_row(stored)


@pytest.mark.parametrize("version", [8, 9, 127])
def test_a_row_of_a_newer_version_stops_the_worker_and_is_named(version: int) -> None:
    with pytest.raises(Fatal, match=f"version {version};.* 1 to {WEEKLY_VERSION}"):
        decode_row(bytes([version]) + VERSION_4[1:])


def read(stored: bytes) -> Row | None:
    """The row, or None if it was refused as it must be."""
    try:
        return decode_row(stored)
    except Fatal:
        return None


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from(
        [
            b"",
            bytes([ROW_VERSION]),
            VERSION_1[:4],
            VERSION_2[:8],
            VERSION_3[:8],
            VERSION_4[:8],
            VERSION_5[:8],
            VERSION_6[:8],
            VERSION_7[:8],
        ]
    ),
)
def test_any_bytes_are_a_row_or_refused(garbage: bytes, beginning: bytes) -> None:
    row = read(beginning + garbage)

    assert row is None or beginning


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7]),
    st.integers(0, 500),
    st.integers(0, 255),
)
@example(VERSION_4, VERSION_4.index(b"\x01\xf1\x53\x65\x01") + 4, 2)
def test_a_row_with_a_wrong_byte_is_a_row_of_its_length_or_refused(stored: bytes, at: int, byte: int) -> None:
    wrong = stored[: at % len(stored)] + bytes([byte]) + stored[at % len(stored) + 1 :]

    row = read(wrong)

    assert row is None or wrong[0] not in range(ROW_VERSION, WEEKLY_VERSION + 1) or len(encode_row(row)) == len(wrong)


def test_no_phrase_is_called_as_a_fact_or_a_rating() -> None:
    assert phrase_code("") > RUBRIC > MAX_FACTS


def test_the_half_life_of_stored_sums_stays_as_it_is() -> None:
    """Rows hold sums at this half-life; another one needs another row version."""
    assert HALF_LIFE_US == 30 * 86_400_000_000

"""What the tasks of evidence items are called: kept in the row as long as an item refers to it, shown by updates."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NativeEvent
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import MAX_EVIDENCE, Row, SkillState, StoredEvidenceItem
from streams.rows.row_batch import RowBatch
from streams.rows.tasks import MAX_TASK_BYTES, TaskNames, task_code, task_name, tasks_of, tasks_section
from streams.vocabulary import Fact
from tests.events import NOW_US, default_folding, default_skills, event
from tests.unit import reference_tasks

NAMES = default_skills().names
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80).map(task_name)
held = st.dictionaries(st.integers(1, 2**32 - 1), names, max_size=5)


def folded(*events: NativeEvent, into: bytes | None = None) -> Row:
    row_batch = RowBatch.of([into], NAMES)
    default_folding().fold(row_batch, [0] * len(events), events, [NOW_US] * len(events))
    return decode_row(row_batch.encode()[0])


def told(row: Row) -> dict[str, int]:
    """How many evidence items refer to each name."""
    tasks = tasks_of(row.tasks)
    items = [item for skill_state in row.skills.values() for item in skill_state.evidence_items]
    found = [tasks[item.task].decode() for item in items if item.task]
    return {name: found.count(name) for name in sorted(found)}


@settings(max_examples=60, deadline=None)
@given(st.lists(held, max_size=5))
def test_the_names_of_many_rows_are_read_and_written_as_those_of_one(several: list[dict[int, bytes]]) -> None:
    sections = [reference_tasks.packed(each) for each in several]

    assert [tasks_section(each) for each in several] == sections
    assert [tasks_of(section) for section in sections] == [dict(sorted(each.items())) for each in several]
    assert TaskNames.of(sections).sections(len(several)) == sections


def test_of_a_long_name_whole_characters_are_kept_of_an_iri_its_end() -> None:
    assert task_name("ä" * 40) == ("ä" * 32).encode()
    assert task_name("€" * 40) == ("€" * 21).encode()
    iri = "https://lms.example/courses/" + "x" * 60 + "/é€1"
    assert task_name(iri).decode() == iri[-len(task_name(iri).decode()) :]
    assert MAX_TASK_BYTES - 3 < len(task_name(iri)) <= MAX_TASK_BYTES
    assert task_name("Fractions 3") == b"Fractions 3"


def test_a_row_keeps_the_names_that_its_items_refer_to_and_no_others() -> None:
    first = folded(*(event("failure", event_id=f"a{n}", item_id="Sums", minute=n - 120) for n in range(3)))
    assert told(first).keys() == {"Sums"}

    later = [event("failure", event_id=f"b{n}", item_id=f"Fractions {n}", minute=n - 60) for n in range(MAX_EVIDENCE)]
    second = folded(*later, into=encode_row(first))
    assert told(second).keys() == {f"Fractions {n}" for n in range(MAX_EVIDENCE)}
    assert {name.decode() for name in tasks_of(second.tasks).values()} == told(second).keys()


def test_what_is_no_task_or_not_known_has_no_name() -> None:
    row = folded(
        event("message", event_id="m", text="hello there"),
        event("attempt", event_id="a", item_id="no-item:ada-17"),
        event("collaboration", event_id="c", act="helped"),
    )
    assert told(row) == {}
    assert row.tasks == b""
    assert encode_row(row)[0] == 4


def test_of_alike_items_those_of_the_largest_codes_stay_whatever_came_first() -> None:
    ids = [f"q{number}" for number in range(6)]
    events = [event("failure", event_id=name, item_id=name) for name in ids]
    kept = sorted(ids, key=task_code)[-MAX_EVIDENCE:]

    for order in (events, events[::-1], events[3:] + events[:3]):
        assert told(folded(*order)).keys() == set(kept)
        one_by_one = None
        for each in order:
            one_by_one = encode_row(folded(each, into=one_by_one))
        assert one_by_one == encode_row(folded(*order))


def test_a_name_goes_with_the_event_that_is_voided() -> None:
    row_batch = RowBatch.of([None], NAMES)
    given = [
        event("failure", event_id="f", item_id="Essay of Anna", voidable=True),
        event("voided", event_id="v", voided_id="f"),
    ]
    default_folding().fold(row_batch, [0, 0], given, [NOW_US] * 2)

    assert decode_row(row_batch.encode()[0]).tasks == b""


def test_an_item_of_a_skill_that_is_not_configured_keeps_its_name() -> None:
    item = StoredEvidenceItem(Fact.FAILED, 1.0, 7, -3, 5)
    stored = encode_row(
        Row(skills={1: SkillState(evidence_items=[item])}, tasks=tasks_section({5: b"Sums", 6: b"old"}))
    )

    row = folded(event("failure", item_id="Fractions"), into=stored)

    assert set(tasks_of(row.tasks).values()) == {b"Sums", b"Fractions"}


def test_two_students_whose_tasks_have_one_code_keep_their_own_names() -> None:
    """Of "plumless" and "buckeroo", of one CRC-32, in one batch."""
    row_batch = RowBatch.of([None, None], NAMES)
    given = [event("failure", event_id=name, item_id=name) for name in ("plumless", "buckeroo")]
    default_folding().fold(row_batch, [0, 1], given, np.array([NOW_US] * 2))

    assert task_code("plumless") == task_code("buckeroo")
    assert [told(decode_row(row)).keys() for row in row_batch.encode()] == [{"plumless"}, {"buckeroo"}]


def test_in_a_batch_of_many_students_each_keeps_the_names_that_it_keeps_alone() -> None:
    students, foreign = 40, StoredEvidenceItem(Fact.FAILED, 1.0, 7, -3, 5)
    stored = [
        encode_row(Row(skills={1: SkillState(evidence_items=[foreign])}, tasks=tasks_section({5: b"Sums"})))
        if number % 3 == 0
        else None
        for number in range(students)
    ]
    rows, alone = RowBatch.of(stored, NAMES), [RowBatch.of([row], NAMES) for row in stored]
    for turn in range(4):
        given = [
            event("failure", event_id=f"{turn}-{number}", item_id=f"Task {number * turn % 7}", minute=turn)
            for number in range(students)
        ]
        default_folding().fold(rows, range(students), given, [NOW_US] * students)
        for row, one in zip(alone, given, strict=True):
            default_folding().fold(row, [0], [one], [NOW_US])

    assert rows.encode() == [row.encode()[0] for row in alone]

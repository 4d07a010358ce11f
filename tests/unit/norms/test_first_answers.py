"""First answers to items, that norms are made of: the same however events are cut, and taken back to the bit."""

import ast
import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest.mock import patch
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import streams.folding
from schemas.event import NativeEvent, Voided
from streams.context import ProcessingContext
from streams.folding import first_answers
from streams.folding.fold import Folding
from streams.folding.history import FoldOutcome
from streams.folding.voidable import without_first_answers
from streams.norms.first_answers import AnswersOfRows, NamedItem
from streams.norms.layout import RIGHT, WORK, WRONG, item_code, pack_answer, unpack_answers
from streams.pipeline import PartitionResult
from streams.rows.row import Row
from streams.rows.table import PartitionedRows
from tests.events import (
    NOW_US,
    default_pipeline,
    default_skills,
    event,
    processed,
    raw,
    record,
    records,
    row_batch_of,
)
from tests.unit.reference_folding import ReferenceFolding
from tests.unit.strategies import century, cuts, documents, events

LATER_US: Final = NOW_US + 3_600_000_000
LATEST_MS: Final = 4_102_444_800_000
STUDENTS: Final = ("ada", "bo", "chi")
KINDS: Final = ("attempt", "attempt", "attempt", "failure", "retry", "submission", "mark", "session")
VOIDS: Final = (*KINDS, "voided", "voided", "voided")
APPLIED: Final = (FoldOutcome.APPLIED, FoldOutcome.LATE)


class Told(NamedTuple):
    """A first answer as the fold tells it."""

    item: int
    packed: int
    sign: int = 1


def told_of(answers: AnswersOfRows, student: str) -> list[Told]:
    begin, end = answers.of.get(student.encode(), (0, 0))
    return [Told(*one) for one in answers.answers[["item", "answer", "sign"]][begin:end].tolist()]


def told(*values: bytes) -> list[Told]:
    """What a batch of ada's tells."""
    return told_of(processed(records(values)).first_answers, "ada")


def of(item: str, *answer: float | None, sign: int = 1) -> Told:
    kind, *known = answer
    return Told(item_code(item), pack_answer(int(kind or 0), *known), sign)


class Table:
    """One partition's rows, and what was told of each student while they were folded."""

    def __init__(self, *, scores: bool = False) -> None:
        self.told: defaultdict[str, list[Told]] = defaultdict(list)
        self._rows = PartitionedRows()
        self._scores = scores

    def fold(self, values: Sequence[bytes], first_offset: int = 0) -> PartitionResult:
        batch = [record(value, first_offset + at, timestamp=LATEST_MS) for at, value in enumerate(values)]
        result = processed(batch, self._rows, scores=self._scores)
        self._rows.put_many(0, result.rows)
        for student in STUDENTS:
            self.told[student] += told_of(result.first_answers, student)
        return result


# -- which answers count, and what they say


@pytest.fixture(params=[0, 128], ids=["as columns", "one by one"])
def either_way(request: pytest.FixtureRequest) -> Iterator[None]:
    """A batch of few is read another way than one of many."""
    with patch.object(first_answers, "_FEW", request.param):
        yield


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("attempt", {"score": 0.7}, of("q1", RIGHT, 0.7)),
        ("attempt", {"score": 0.7, "duration_s": 60.0}, of("q1", RIGHT, 0.7, 60.0)),
        ("attempt", {"score": 0.2}, of("q1", WRONG, 0.2)),
        ("attempt", {"score": 0.7, "hints": 1}, of("q1", WRONG, 0.7)),
        ("attempt", {"score": 0.7, "success": False}, of("q1", WRONG, 0.7)),
        ("attempt", {"score": 0.7, "duration_s": 2.0}, of("q1", RIGHT, 0.7, 2.0)),
        ("mark", {"score": 0.8}, of("essay", WORK, 0.8)),
        ("submission", {"score": 0.8}, of("essay", WORK, 0.8)),
        ("submission", {"due": "2026-03-04T12:00:00Z"}, of("essay", WORK, None, None, 2 * 86_400)),
        ("submission", {"due": "2026-03-01T12:00:00Z", "score": 0.0}, of("essay", WORK, 0.0, None, -86_400)),
    ],
)
def test_a_first_answer_tells_score_time_lateness_and_whether_it_is_right(
    kind: str, given: dict[str, Any], expected: Told
) -> None:
    assert told(raw(kind, **given)) == [expected]


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("attempt", {"attempt": 2}),
        ("attempt", {"duration_s": 1.9}),
        ("attempt", {"item_id": "no-item:ada-1"}),
        ("submission", {}),
        ("failure", {}),
        ("hint", {}),
        ("overdue", {"weight": 0.5}),
        ("control", {"duration_s": 4.0}),
        ("session", {}),
    ],
)
def test_what_is_no_first_answer_tells_nothing_of_an_item(kind: str, given: dict[str, Any]) -> None:
    assert not processed(records([raw(kind, **given)])).first_answers


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("at_once", [1, 9], ids=["apart", "in one batch"])
def test_an_answer_after_an_open_failure_is_no_first_one(at_once: int) -> None:
    values = [raw(score=score, minute=minute) for minute, score in enumerate([0.1, 0.2, 0.9, 0.8])]
    table = Table()

    for begin in range(0, len(values), at_once):
        table.fold(values[begin : begin + at_once], begin)

    assert table.told["ada"] == [of("q1", WRONG, 0.1), of("q1", RIGHT, 0.8)]


def test_a_late_event_counts_in_full() -> None:
    assert told(raw(score=0.3, minute=0), raw(score=0.9, minute=-90)) == [of("q1", WRONG, 0.3), of("q1", RIGHT, 0.9)]


def test_a_repeat_adds_nothing() -> None:
    assert len(told(raw(event_id="x"), raw(event_id="x"))) == 1


def test_a_record_that_was_folded_before_a_crash_adds_nothing() -> None:
    table = Table()
    table.fold([raw(event_id="x"), raw(event_id="y", item_id="q2")])

    again = table.fold([raw(event_id="x"), raw(event_id="y", item_id="q2")])

    assert again.updates == {}
    assert not again.first_answers
    assert len(table.told["ada"]) == 2


# -- whose they are, and of which items


def test_each_partition_and_student_has_its_own_in_the_order_of_its_rows() -> None:
    values = [raw(student=student, event_id=f"{at}", score=at / 10) for at, student in enumerate("abcbab")]

    result = processed(records(values))

    assert list(result.first_answers.of) == [key for key in result.rows if result.rows[key]]
    assert result.first_answers.of == {b"a": (0, 2), b"b": (2, 5), b"c": (5, 6)}
    scores = unpack_answers(result.first_answers.answers["answer"]).score.tolist()
    assert scores == [0, 400, 100, 300, 500, 200]
    codes = [crc32(student) & 0xFFFF for student in (b"a", b"a", b"b", b"b", b"b", b"c")]
    assert result.first_answers.answers["student"].tolist() == codes


def test_partitions_of_one_call_have_what_each_has_by_itself() -> None:
    taken = {
        partition: [
            record(raw(student=student, event_id=f"{at}", item_id=f"q{at % 3}", score=at / 10), at, partition=partition)
            for at, student in enumerate(students)
        ]
        for partition, students in enumerate(("aba", "c", "dede"))
    }
    context = ProcessingContext(rows=PartitionedRows(), scores=False)

    together = asyncio.run(default_pipeline().process(taken, context)).partitions

    for partition, some in taken.items():
        found, expected = together[partition].first_answers, processed(some).first_answers
        assert found.answers.tobytes() == expected.answers.tobytes()
        assert (found.of, found.items) == (expected.of, expected.items)


def test_items_are_named_once_with_their_course_and_first_component() -> None:
    given: list[dict[str, Any]] = [
        {"item_id": "q1"},
        {"item_id": "q1", "course_id": "maths"},
        {"item_id": "q1", "course_id": "maths"},
        {"item_id": "q2", "kcs": ["sums", "signs"]},
    ]
    values = [raw(event_id=f"{at}", minute=at, **each) for at, each in enumerate(given)]

    answers = processed(records(values)).first_answers

    maths, sums = crc32(b"maths"), crc32(b"sums")
    assert answers.items == [
        NamedItem(item_code("q1"), 0, 0, "q1"),
        NamedItem(item_code("q1"), maths, 0, "q1"),
        NamedItem(item_code("q2"), 0, sums, "q2"),
    ]


def test_items_of_two_weeks_of_one_batch_are_named_once() -> None:
    week = 7 * 1440
    values = [raw(minute=minute, item_id=item) for minute, item in ((-week, "q1"), (0, "q1"), (week, "q2"))]

    result = Table(scores=True).fold(values)

    assert [item.name for item in result.first_answers.items] == ["q1", "q2"]
    assert len(result.first_answers.answers) == 3


# -- voids


@pytest.mark.parametrize("at_once", [1, 9], ids=["apart", "in one batch"])
def test_a_void_takes_back_what_its_event_gave_and_is_in_its_place(at_once: int) -> None:
    values = [
        raw(event_id="x", score=0.123, duration_s=77.7, voidable=True),
        raw(event_id="y", item_id="q2"),
        raw("voided", event_id="v", voided_id="x"),
        raw(event_id="z", item_id="q3"),
        raw("voided", event_id="w", voided_id="y"),
    ]
    table = Table()

    for begin in range(0, len(values), at_once):
        table.fold(values[begin : begin + at_once], begin)

    first = of("q1", WRONG, 0.123, 77.7)
    assert table.told["ada"] == [first, of("q2", RIGHT, 1.0), first._replace(sign=-1), of("q3", RIGHT, 1.0)]


def test_a_void_of_another_student_s_event_in_the_batch_changes_nothing_of_what_can_be_voided() -> None:
    table = Table()
    table.fold(
        [
            raw(event_id="x", voidable=True),
            raw(student="bo", event_id="y", item_id="q2", score=0.4, voidable=True),
            raw("voided", event_id="v", voided_id="x"),
        ]
    )

    table.fold([raw("voided", "bo", event_id="w", voided_id="y")], 3)

    first = of("q2", WRONG, 0.4)
    assert table.told["bo"] == [first, first._replace(sign=-1)]


def test_no_item_is_named_by_a_void_alone() -> None:
    table = Table()
    table.fold([raw(event_id="x", voidable=True)])

    result = table.fold([raw("voided", event_id="v", voided_id="x")], 1)

    assert result.first_answers.answers["sign"].tolist() == [-1]
    assert result.first_answers.items == []


def test_of_a_row_of_before_a_void_takes_back_nothing() -> None:
    row_batch = row_batch_of(Row())
    folding = Folding.of(default_skills())
    folding.fold(row_batch, [0], [event(event_id="x", voidable=True)], [LATER_US])
    row_batch.sections["voidable"][0] = without_first_answers(row_batch.sections["voidable"][0])

    folded = folding.fold(row_batch, [0], [event("voided", event_id="v", voided_id="x")], [LATER_US])

    assert folded.outcomes == [FoldOutcome.APPLIED]
    assert len(folded.first_answers.answers) == 0


# -- however events come


def expected_of(noted: Sequence[NativeEvent], outcomes: Sequence[FoldOutcome]) -> dict[str, list[Told]]:
    """By the reference, one event at a time; what a void found it takes back, where the event was a first answer."""
    reference = ReferenceFolding.of(default_skills())
    rows = {student: Row() for student in STUDENTS}
    expected: dict[str, list[Told]] = {student: [] for student in STUDENTS}
    given: dict[tuple[str, str], Told] = {}
    for one, outcome in zip(noted, outcomes, strict=True):
        if isinstance(one, Voided):
            first = given.get((one.student_id, one.voided_id))
            if first is not None and outcome is FoldOutcome.APPLIED:
                expected[one.student_id].append(first._replace(sign=-1))
            continue
        assert reference.fold(rows[one.student_id], one, LATER_US) is outcome
        for first_answer in reference.first_answers:
            now = Told(item_code(first_answer.item), first_answer.packed)
            given[one.student_id, one.event_id] = now
            expected[one.student_id].append(now)
        reference.first_answers.clear()
    return expected


@pytest.mark.parametrize("few", [0, 128], ids=["as columns", "one by one"])
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_first_answers_are_those_of_the_reference_one_event_at_a_time(few: int, data: st.DataObject) -> None:
    taken = data.draw(st.lists(events(at=century, kinds=VOIDS), max_size=30))
    noted = [structs.replace(one, act_ids=None) for one in taken]
    folding, row_batch = Folding.of(default_skills()), row_batch_of(*[Row()] * len(STUDENTS))
    outcomes: list[FoldOutcome] = []
    found: dict[str, list[Told]] = {student: [] for student in STUDENTS}

    for batch in data.draw(cuts(noted)):
        indices = [STUDENTS.index(one.student_id) for one in batch]
        with patch.object(first_answers, "_FEW", few):
            folded = folding.fold(row_batch, indices, batch, [LATER_US] * len(batch))
        outcomes += folded.outcomes
        columns = folded.first_answers.answers[["item", "answer", "sign"]].tolist()
        for row, one in zip(folded.first_answers.row.tolist(), columns, strict=True):
            found[STUDENTS[row]].append(Told(*one))

    assert found == expected_of(noted, outcomes)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_first_answers_are_the_same_wherever_batches_are_cut(data: st.DataObject) -> None:
    values = data.draw(st.lists(documents(at=century, kinds=VOIDS).map(raw_of), min_size=1, max_size=30))
    scores = data.draw(st.booleans())
    at_once, in_batches, offset = Table(scores=scores), Table(scores=scores), 0

    at_once.fold(values)
    for batch in data.draw(cuts(values)):
        in_batches.fold(batch, offset)
        offset += len(batch)

    assert in_batches.told == at_once.told


def raw_of(document: dict[str, Any]) -> bytes:
    return raw(**{"kind" if name == "type" else name: value for name, value in document.items()})


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_when_all_is_voided_nothing_is_left_of_any_item(data: st.DataObject) -> None:
    taken = data.draw(st.lists(documents(kinds=KINDS), max_size=2, unique_by=lambda one: one["event_id"]))
    values = [raw_of({**one, "student_id": "ada", "voidable": True}) for one in taken]
    values += [raw("voided", event_id=f"void {one['event_id']}", voided_id=one["event_id"]) for one in taken]
    table, offset = Table(), 0

    for batch in data.draw(cuts(values)):
        table.fold(batch, offset)
        offset += len(batch)

    left = Counter[tuple[int, int]]()
    for one in table.told["ada"]:
        left[one.item, one.packed] += one.sign
    assert not +left
    assert not -left


def test_folding_reads_no_norm() -> None:
    """Rows do not depend on what was learnt of items: it knows how a first answer is laid out, and no more."""
    [folder] = streams.folding.__path__
    imported = {
        node.module
        for path in Path(folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module is not None
    }

    assert {name for name in imported if name.startswith("streams.norms")} == {
        "streams.norms.first_answers",
        "streams.norms.layout",
    }

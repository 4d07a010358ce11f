"""ASSISTments' answers as events: order alone for time, items only where there are some, nothing lost in silence."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from schemas.dialects import native
from schemas.event import NO_ITEM, Attempt
from streams.conversion.assistments import ATTEMPT_COLUMNS, START, convert_assistments
from streams.conversion.tables import TableMissing, TableUnreadable
from streams.conversion.training_set import TrainingSet
from tests.events import event
from tests.unit.conversion.tables import tables, write

HEADER = ",".join(ATTEMPT_COLUMNS)


def convert(folder: Path, *rows: str) -> TrainingSet:
    write(folder, "attempts", HEADER, *rows)
    return convert_assistments(tables(folder))


def attempts(converted: TrainingSet) -> list[Attempt]:
    return [each for each in converted.events if isinstance(each, Attempt)]


def test_an_answer_is_a_first_attempt_at_its_item_with_its_components(tmp_path: Path) -> None:
    right, wrong = attempts(convert(tmp_path, "s1,1,1366,7;9,1", "s1,2,1424,7,0"))

    assert (right.student_id, right.item_id, right.kcs, right.score, right.attempt) == ("s1", "1366", ("7", "9"), 1, 1)
    assert (wrong.item_id, wrong.kcs, wrong.score, wrong.duration_s) == ("1424", ("7",), 0, None)
    assert right.event_id != wrong.event_id


def test_times_are_invented_from_the_order_alone(tmp_path: Path) -> None:
    converted = attempts(convert(tmp_path, "s2,1,5,7,0", "s1,2,5,7,1", "s1,1,6,8,0"))

    assert [(each.student_id, each.time - START) for each in converted] == [
        ("s1", timedelta(minutes=1)),
        ("s2", timedelta(minutes=1)),
        ("s1", timedelta(minutes=2)),
    ]


def test_students_may_come_one_after_the_other_in_the_order_of_the_table(tmp_path: Path) -> None:
    write(
        tmp_path,
        "attempts",
        HEADER,
        "s9,1,5,7,0",
        "s2,1,5,7,1",
        "s9,2,6,8,0",
        "s1,1,5,7,1",
        "bad,x,5,7,1",
        "s0,3,5,7,1",
    )
    converted = attempts(convert_assistments(tables(tmp_path), students_a_day=2))

    assert [(each.student_id, each.time - START) for each in converted] == [
        ("s2", timedelta(seconds=10)),
        ("s9", timedelta(seconds=10)),
        ("s9", timedelta(seconds=20)),
        ("s1", timedelta(days=1, seconds=10)),
        ("s0", timedelta(days=1, seconds=30)),
    ]


def test_where_there_is_no_item_no_two_answers_share_one(tmp_path: Path) -> None:
    converted = convert(tmp_path, *(f"{student},{n},,68,1" for student in ("s1", "s2") for n in (1, 2)))

    items = {each.item_id for each in attempts(converted)}
    assert len(items) == 4
    assert all(item.startswith(NO_ITEM) for item in items)
    assert converted.tally.notes["attempts without an item"] == 4


def test_every_event_is_one_that_the_contract_allows(tmp_path: Path) -> None:
    longest = f"{'x' * 200},1000000,{'i' * 256},{';'.join(['k' * 64] * 8)},1"
    converted = convert(tmp_path, "s1,1,,,0", longest, longest.replace("i" * 256, ""))

    assert len(converted.events) == 2
    for each in converted.events:
        assert native.decode(native.encode(each)) == each


ROWS_THAT_MAKE_NO_SENSE = {
    ",1,5,7,1": "a student of no characters",
    f"{'x' * 201},1,5,7,1": "more than 200",
    "s1,first,5,7,1": "an n that is no whole number",
    "s1,-1,5,7,1": "an n that is no whole number",
    "s1,0,5,7,1": "an n that is not from 1 to 1,000,000",
    "s1,1000001,5,7,1": "an n that is not from 1 to 1,000,000",
    f"s1,{'9' * 5000},5,7,1": "an n that is no whole number",
    f"s1,1,{'i' * 257},7,1": "an item of more than 256",
    "s1,1,5,7,yes": "neither 0 nor 1",
    "s1,1,5,1;2;3;4;5;6;7;8;9,1": "more than 8 components",
    "s1,1,5,7;;9,1": "a component's name of no characters",
    f"s1,1,5,{'k' * 65},1": "or of more than 64",
    "s1,1,5,7": "not 5 columns",
    "s1,7,5,7,1": "an n that this student had before",
}


@pytest.mark.parametrize(("row", "why"), ROWS_THAT_MAKE_NO_SENSE.items(), ids=ROWS_THAT_MAKE_NO_SENSE.values())
def test_a_row_that_makes_no_sense_is_counted_with_its_line_and_the_rest_goes_on(
    tmp_path: Path, row: str, why: str
) -> None:
    converted = convert(tmp_path, "s1,7,5,7,1", row, "s1,8,5,7,0")

    assert [each.event_id for each in converted.events] == ["assistments-s1-7", "assistments-s1-8"]
    [(reason, place)] = converted.tally.first.items()
    assert why in reason
    assert place == f"{tmp_path / 'attempts.csv.gz'}:3"
    assert converted.tally.skipped == {reason: 1}


def test_a_missing_table_and_wrong_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(TableMissing, match="attempts"):
        convert_assistments(tables(tmp_path))
    write(tmp_path, "attempts", "user,answer")
    with pytest.raises(TableUnreadable, match="'user,answer'"):
        convert_assistments(tables(tmp_path))


def test_what_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    converted = convert(tmp_path / "in", "s1,1,5,7,1")
    converted.events.append(msgspec.structs.replace(event(), event_id=object()))

    with pytest.raises(TypeError):
        converted.write(tmp_path / "out")

    assert list((tmp_path / "out").iterdir()) == []

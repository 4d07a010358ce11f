"""Empathic Reactions, converted: a text is a student, and its author the person."""

from pathlib import Path

from schemas.event import Message
from streams.conversion.empathy import convert_empathy
from tests.unit.conversion.tables import tables, write

HEADER = "message_id,response_id,article_id,empathy,distress,empathy_bin,distress_bin,essay"


def test_a_row_is_a_message_of_a_student_of_its_own_and_a_label(tmp_path: Path) -> None:
    write(tmp_path, "messages", HEADER, 'R_a_1,R_a,7,5.5,2,1,0,"It is sad, I think."', "R_a_2,R_a,9,1.5,2,0,0,Why?")

    converted = convert_empathy(tables(tmp_path))

    assert [event.text for event in converted.events if isinstance(event, Message)] == ["It is sad, I think.", "Why?"]
    assert [(one.student, one.skill, one.label) for one in converted.outcomes] == [
        ("R_a_1", "empathy", 1),
        ("R_a_2", "empathy", 0),
    ]
    assert [one.as_of for one in converted.outcomes] == [event.time for event in converted.events]


def test_rows_that_make_no_sense_are_counted(tmp_path: Path) -> None:
    good = "R_a_1,R_a,7,5.5,2,1,0,Text"
    bad = ["R_a_2,R_b,7,5,2,1,0,Text", "R_a_3,R_a,7,5,2,2,0,Text", good, ",R_a,7,5,2,1,0,Text", "R_a_4,R_a,7"]
    write(tmp_path, "messages", HEADER, good, *bad)

    converted = convert_empathy(tables(tmp_path))

    assert len(converted.events) == len(converted.outcomes) == 1
    assert converted.tally.skipped == {
        "messages: a message_id that is not its response_id, _ and a number": 1,
        "messages: neither 0 nor 1 as empathy_bin": 1,
        "messages: a message_id that was there before": 1,
        "messages: a message_id of no characters, or of more than 256": 1,
        "messages: not 8 columns": 1,
    }

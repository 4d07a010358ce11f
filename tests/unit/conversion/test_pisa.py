"""PISA's log as events: one row, one event, its own timing, nothing lost in silence."""

from pathlib import Path

import pytest

from schemas.event import Control, Session
from streams.conversion.pisa import convert_pisa
from streams.conversion.tables import TableMissing, TableUnreadable
from streams.conversion.training_set import TrainingSet
from tests.unit.conversion.tables import tables, write

HEADER = "student,t_s,action"


def convert(folder: Path, actions: list[str], outcomes: list[str]) -> TrainingSet:
    write(folder, "actions", HEADER, *actions)
    write(folder, "outcomes", *outcomes)
    return convert_pisa(tables(folder))


def test_every_action_is_an_event_with_what_it_changed_and_how_long_it_took(tmp_path: Path) -> None:
    actions = ["s1,0.0,start", "s1,10.5,2_0_0", "s1,12.0,2_1_0", "s1,13.0,reset", "s1,15.0,0_1_0", "s1,20.0,end"]
    converted = convert(tmp_path, actions, ["s1,1"])

    start, *controls, end = converted.events
    assert isinstance(start, Session)
    assert isinstance(end, Session)
    assert (start.phase, end.phase, end.duration_s) == ("start", "end", 5.0)
    assert (end.time - start.time).total_seconds() == 20.0
    noted = [(c.controls, c.reset, c.changed, c.duration_s) for c in controls if isinstance(c, Control)]
    assert noted == [
        ({"top": 2.0, "central": 0.0, "bottom": 0.0}, False, 1, 10.5),
        ({"top": 2.0, "central": 1.0, "bottom": 0.0}, False, 1, 1.5),
        ({}, True, 2, 1.0),
        ({"top": 0.0, "central": 1.0, "bottom": 0.0}, False, 1, 2.0),
    ]


def test_the_label_is_as_of_the_students_last_event(tmp_path: Path) -> None:
    converted = convert(tmp_path, ["s1,0.0,start", "s1,9.3,1_0_0"], ["s1,0"])

    (outcome,) = converted.outcomes
    assert (outcome.student, outcome.skill, outcome.label) == ("s1", "problem_solving", 0)
    assert outcome.as_of == converted.events[-1].time


def test_a_students_start_depends_on_nothing_but_the_id(tmp_path: Path) -> None:
    alone = convert(tmp_path / "alone", ["s1,0.0,start"], ["s1,1"])
    together = convert(tmp_path / "both", ["s0,0.0,start", "s1,0.0,start"], ["s1,1"])

    assert alone.events[0] in together.events
    assert together.events == sorted(together.events, key=lambda event: event.time)


def test_rows_that_make_no_sense_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    actions = ["s1,0.0,start", "s1,x,reset", "s1,1,1_2", "s1,1,1_nan_0", "s1,1,jump", "s1,-1,reset", ",1,reset", "s1,1"]
    converted = convert(tmp_path, actions, ["s1,1", "s1,0", "s2,1", "s1,maybe"])

    assert len(converted.events) == 1
    assert len(converted.outcomes) == 1
    assert converted.tally.rows == {"actions": 8, "outcomes": 4}
    assert sum(converted.tally.skipped.values()) == 7 + 3
    assert converted.tally.skipped["actions: an unknown action"] == 3


def test_a_missing_table_and_wrong_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(TableMissing, match="actions"):
        convert_pisa(tables(tmp_path))
    write(tmp_path, "actions", "who,when,what")
    with pytest.raises(TableUnreadable, match="'who,when,what'"):
        convert_pisa(tables(tmp_path))
    (tmp_path / "actions.csv.gz").write_bytes(b"no archive")
    with pytest.raises(TableUnreadable, match=r"actions\.csv\.gz"):
        convert_pisa(tables(tmp_path))

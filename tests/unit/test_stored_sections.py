"""The parts of rows that stay bytes: cut out when asked for, copied through to the byte when not."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.errors import Fatal
from streams.rows.codec import decode_row, encode_row
from streams.rows.components import ComponentBatch
from streams.rows.layout import EXTENSIONS, NORMS, SECTIONS
from streams.rows.row import Row
from streams.rows.row_batch import RowBatch
from streams.rows.tasks import TaskNames, tasks_of
from tests.events import default_skills
from tests.unit.row_strategies import CONFIGURED, rows
from tests.unit.stored_rows import (
    COMPONENTS,
    EXPLANATIONS,
    TASKS,
    VERSION_4,
    VERSION_5,
    VERSION_6,
    VERSION_7,
    VERSION_8,
)

NAMES: Final = default_skills().names
EVERY_PART: Final = (
    b"\x06"
    + VERSION_4[1:]
    + len(EXPLANATIONS).to_bytes(4, "little")
    + len(TASKS).to_bytes(4, "little")
    + EXPLANATIONS
    + TASKS
    + COMPONENTS
)


FIELDS: Final = {name: "open_failures" if name == "failures" else name for name in (*SECTIONS, *EXTENSIONS, NORMS)}


@settings(max_examples=40, deadline=None)
@given(st.lists(rows(CONFIGURED), min_size=1, max_size=4), st.permutations(list(FIELDS)), st.data())
def test_rows_are_the_same_whichever_parts_were_asked_for_and_emptied(
    several: list[Row], names: list[str], data: st.DataObject
) -> None:
    row_batch = RowBatch.of([encode_row(row) for row in several], NAMES)
    for name in names[: data.draw(st.integers(0, len(names)))]:
        for at in data.draw(st.sets(st.integers(0, len(several) - 1))):
            row_batch.sections[name][at] = b""
            setattr(several[at], FIELDS[name], type(getattr(several[at], FIELDS[name]))())

    assert row_batch.encode() == [encode_row(row) for row in several]


def test_rows_that_are_taken_have_the_parts_as_they_were_changed() -> None:
    row_batch = RowBatch.of([VERSION_4, EVERY_PART, VERSION_5], NAMES)
    row_batch.sections["tasks"][1] = b""
    row_batch.sections["ids"][2] = b"abcdefgh"

    taken = row_batch.take([2, 1])

    assert taken.sections["ids"] == [b"abcdefgh", decode_row(EVERY_PART).ids]
    assert taken.sections["tasks"] == [b"", b""]
    assert taken.encode() == [row_batch.encode()[2], row_batch.encode()[1]]


def with_bytes(row: bytes, at: int, new: bytes) -> bytes:
    return row[:at] + new + row[at + len(new) :]


LENGTHS_AT: Final = len(VERSION_4)
TASKS_AT: Final = LENGTHS_AT + 8 + len(EXPLANATIONS)
WRONG_LENGTHS: Final = {
    "lengths beyond the row": with_bytes(EVERY_PART, LENGTHS_AT, b"\xf0\xff\x00\x00"),
    "a length of no whole words": with_bytes(EVERY_PART, LENGTHS_AT, b"\x04\x00\x00\x00"),
    "no lengths": with_bytes(VERSION_6, LENGTHS_AT, bytes(8)),
    "components that are cut off": with_bytes(EVERY_PART, TASKS_AT + len(TASKS), b"\xff"),
    "no components among the components": with_bytes(EVERY_PART, TASKS_AT + len(TASKS), b"\x00"),
}


@pytest.mark.parametrize("wrong", WRONG_LENGTHS.values(), ids=WRONG_LENGTHS)
def test_a_part_that_is_not_what_its_row_says_is_copied_through_and_refused_when_asked_for(wrong: bytes) -> None:
    row_batch = RowBatch.of([VERSION_5, wrong, VERSION_6], NAMES)

    assert row_batch.encode() == [VERSION_5, wrong, VERSION_6]
    with pytest.raises(Fatal, match="a stored row cannot be read"):
        ComponentBatch.of(row_batch.sections["components"])
    with pytest.raises(Fatal, match="a stored row cannot be read"):
        decode_row(wrong)


@pytest.mark.parametrize(
    ("at", "new"),
    [(TASKS_AT, b"\x00"), (TASKS_AT, b"\xff"), (TASKS_AT + 12, b"\xf0")],
    ids=["no tasks among the tasks", "more tasks than there is room for", "names beyond the part"],
)
def test_tasks_that_do_not_fill_their_part_are_copied_through_and_refused_when_read(at: int, new: bytes) -> None:
    wrong = with_bytes(EVERY_PART, at, new)
    row_batch = RowBatch.of([VERSION_6, wrong], NAMES)

    assert row_batch.encode() == [VERSION_6, wrong]
    for read in (TaskNames.of, lambda sections: tasks_of(sections[1])):
        with pytest.raises(Fatal, match="tasks"):
            read(row_batch.sections["tasks"])


def test_norms_are_read_set_and_emptied_without_the_parts_behind_them() -> None:
    row_batch = RowBatch.of([VERSION_8, VERSION_7, VERSION_4], NAMES)
    assert row_batch.sections[NORMS] == [decode_row(VERSION_8).norms, b"", b""]

    row_batch.sections[NORMS][:] = [b"", b"87654321", b"12345678"]

    rows = list(map(decode_row, row_batch.encode()))
    assert [row.norms for row in rows] == [b"", b"87654321", b"12345678"]
    assert [replace(row, norms=b"") for row in rows[1:]] == [decode_row(VERSION_7), decode_row(VERSION_4)]

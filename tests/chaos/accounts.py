"""What became of events that are known by their ids, counted apart from `verify`: sent, stored, in the rows."""

from collections.abc import Iterable, Iterator, Mapping, Set

from streams.input.checkpoint import is_reserved
from streams.rows.codec import decode_row
from streams.rows.row import Row
from streams.rows.table import PartitionedRows

EventsByStudent = Mapping[bytes, int]


def events_in_rows(table: PartitionedRows, beginning: bytes = b"") -> EventsByStudent:
    """How many events are in the row of each student whose id begins so."""
    return {key: row.events for key, row in rows_by_student(table).items() if key.startswith(beginning)}


def rows_by_student(table: PartitionedRows) -> Mapping[bytes, Row]:
    """All rows of students."""
    rows = (item for partition in table.partitions() for item in table.items(partition))
    return {key: decode_row(row) for key, row in rows if not is_reserved(key)}


def miscounted(due: EventsByStudent, found: EventsByStudent) -> Iterator[str]:
    """Students whose row holds more events than are due, or fewer."""
    for student in sorted(due.keys() | found.keys()):
        if due.get(student, 0) != found.get(student, 0):
            yield f"{student.decode()}: {found.get(student, 0)} events in the row, {due.get(student, 0)} are due"


def misplaced(taken: Set[str], refused: Set[str], stored: Iterable[str]) -> Iterator[str]:
    """Events that were taken and are nowhere, or were refused and are stored."""
    there = {*stored}
    yield from (f"{id_} was taken, and is not stored" for id_ in sorted(taken - there))
    yield from (f"{id_} was refused, and is stored" for id_ in sorted(refused & there))

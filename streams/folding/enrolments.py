"""Where students learn, as their events say: the course, class, school and source named last."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from schemas.event import NativeEvent
from streams.folding.event_time import EventTimes
from streams.rows.enrolment import EnrolmentIds, enrolment_of, enrolment_section
from streams.rows.row_batch import RowBatch

_NAMED: Final = attrgetter(*EnrolmentIds._fields)
_NOTHING: Final = (None,) * len(EnrolmentIds._fields)


def note_enrolments(row_batch: RowBatch, events: Sequence[NativeEvent], event_times: EventTimes) -> None:
    """Keep in the rows what the new `events`, in their order, name last; late ones change nothing."""
    named = [(at, ids) for at, ids in enumerate(map(_NAMED, events)) if ids != _NOTHING]
    if not named:
        return
    row_index, late = event_times.row_index.tolist(), event_times.late.tolist()
    last: dict[int, list[str | None]] = {}
    for at, ids in named:
        if late[at]:
            continue
        of_row = last.setdefault(row_index[at], [None] * len(ids))
        for field, named_id in enumerate(ids):
            if named_id is not None:
                of_row[field] = named_id
    sections = row_batch.sections["enrolment"]
    for row, new in last.items():
        known = enrolment_of(sections[row])
        sections[row] = enrolment_section(EnrolmentIds(*(a or b for a, b in zip(new, known, strict=True))))

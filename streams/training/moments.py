"""Moments: students as the pipeline knew them, at a label's `as_of` and part of the way there.

A model that only ever saw finished work is badly calibrated while the work goes on, so each label also stands for
the student after k/N of the events that lead up to it. Those earlier moments train; the figures are of the last.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schemas.dialects import Decode, Record, decode
from schemas.event import NativeEvent
from streams.folding.fold import Folding
from streams.rows.row_batch import RowBatch
from streams.training.labels import Label


@dataclass(frozen=True, slots=True)
class Moment:
    """A row as stored, `step` of `steps` towards a label; the last step is the label's own `as_of`."""

    label: Label
    step: int
    steps: int
    row: bytes

    @property
    def own(self) -> bool:
        """Whether this is the state at the label's `as_of`."""
        return self.step == self.steps


@dataclass(slots=True)
class MomentCounts:
    """Where records and labels went."""

    records: int = 0
    unreadable: int = 0
    unlabelled_students: set[str] = field(default_factory=set)
    labels_without_events: int = 0


def moments_of(
    records: Iterable[Record], labels: Sequence[Label], folding: Folding, steps: int, decode: Decode = decode
) -> tuple[list[Moment], MomentCounts]:
    """Fold every labelled student's events, in the order of their times, and keep the row at `steps` moments a label.

    A label without any event by its `as_of` has no moments; moments that fall on the same event are taken once.
    """
    of_student: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        of_student[label.student].append(label)
    account = MomentCounts()
    events = _events(records, of_student.keys(), account, decode)
    moments: list[Moment] = []
    for student, student_labels in of_student.items():
        moments += _of_student(events.pop(student, []), student_labels, folding, steps, account)
    return moments, account


_Dated = tuple[int, int, NativeEvent]


def _events(
    records: Iterable[Record], students: Iterable[str], account: MomentCounts, decode: Decode
) -> dict[str, list[_Dated]]:
    """(event time in µs, clock in µs, event) by labelled student."""
    events: dict[str, list[_Dated]] = {student: [] for student in students}
    for record in records:
        account.records += 1
        decoded = decode(record)
        account.unreadable += len(decoded.invalid)
        now_us = record.timestamp * 1000
        for event in decoded.events:
            if event.student_id in events:
                events[event.student_id].append((min(int(event.time.timestamp() * 1e6), now_us), now_us, event))
            else:
                account.unlabelled_students.add(event.student_id)
    return events


def _of_student(
    events: list[_Dated], labels: Sequence[Label], folding: Folding, steps: int, account: MomentCounts
) -> list[Moment]:
    events.sort(key=lambda dated: dated[0])
    wanted: dict[int, list[tuple[Label, int]]] = defaultdict(list)
    for label in labels:
        known = sum(time_us <= label.as_of_us for time_us, _, _ in events)
        account.labels_without_events += known == 0
        last_step_at = {-(-known * step // steps): step for step in range(1, steps + 1)} if known else {}
        for size, step in last_step_at.items():
            wanted[size].append((label, step))
    row_batch, moments, begun = RowBatch.of([None], folding.names), [], 0
    for size in sorted(wanted):
        part = events[begun:size]
        folding.fold(row_batch, [0] * len(part), [event for _, _, event in part], [now_us for _, now_us, _ in part])
        begun = size
        if row_batch.headers["events"][0]:
            [stored] = row_batch.encode()
            moments += [Moment(label, step, steps, stored) for label, step in wanted[size]]
    return moments

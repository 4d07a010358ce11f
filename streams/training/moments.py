"""Moments: students as the pipeline knew them, at a label's `as_of` and part of the way there.

A model that only ever saw finished work is badly calibrated while the work goes on, so each label also stands for
the student after k/N of the events that lead up to it. Those earlier moments train; the figures are of the last.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple, Self

from schemas.dialects import Decode, Record, decode
from schemas.event import NativeEvent
from streams.event_record import EventRecord, event_pipeline
from streams.replay import Replay, batches
from streams.rows.row import KNOWN_IDS
from streams.skills.skill_set import SkillSet
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


async def moments_of(
    records: Iterable[Record],
    labels: Sequence[Label],
    skill_set: SkillSet,
    steps: int,
    *,
    decode: Decode = decode,
    known_ids: int = KNOWN_IDS,
) -> tuple[list[Moment], MomentCounts]:
    """Process every labelled student's events, by their times, and keep the row at `steps` moments a label.

    A label without any event by its `as_of` has no moments; moments that fall on the same event are taken once.
    An offset in a row is the number of the event among its student's.
    """
    of_student: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        of_student[label.student].append(label)
    account = MomentCounts()
    events = _events(records, of_student.keys(), account, decode)
    histories = [_History.of(student, events.pop(student), own, steps) for student, own in of_student.items()]
    account.labels_without_events = sum(history.labels_without_events for history in histories)
    replay = Replay(event_pipeline(skill_set, known_ids), scores=False)
    for cut in range(max((len(history.wanted) for history in histories), default=0)):
        due = [history for history in histories if cut < len(history.wanted)]
        for batch in batches(record for history in due for record in history.part(cut)):
            await replay.feed(batch)
        for history in due:
            history.keep(cut, steps, replay.rows.get(0, history.student.encode()))
    return [moment for history in histories for moment in history.moments], account


class _Dated(NamedTuple):
    """An event that counts as of `time_us`: its own time, or its record's where that is earlier."""

    time_us: int
    timestamp: int
    event: NativeEvent


@dataclass(slots=True)
class _History:
    """A student's events, in order. `wanted` are the labels' steps by the number of events up to them, in order."""

    student: str
    events: list[_Dated]
    wanted: list[tuple[int, list[tuple[Label, int]]]]
    labels_without_events: int
    moments: list[Moment] = field(default_factory=list)

    @classmethod
    def of(cls, student: str, events: list[_Dated], labels: Sequence[Label], steps: int) -> Self:
        """Put the events in order, and find where the steps of the labels lie."""
        events.sort(key=attrgetter("time_us"))
        wanted: dict[int, list[tuple[Label, int]]] = defaultdict(list)
        without = 0
        for label in labels:
            known = bisect_right(events, label.as_of_us, key=attrgetter("time_us"))
            without += known == 0
            last_step_at = {-(-known * step // steps): step for step in range(1, steps + 1)} if known else {}
            for size, step in last_step_at.items():
                wanted[size].append((label, step))
        return cls(student, events, sorted(wanted.items()), without)

    def part(self, cut: int) -> Iterator[EventRecord]:
        """The events after those of the last cut, up to this one."""
        begin, end = self.wanted[cut - 1][0] if cut else 0, self.wanted[cut][0]
        for offset, dated in enumerate(self.events[begin:end], begin):
            yield EventRecord(offset, dated.timestamp, dated.event)

    def keep(self, cut: int, steps: int, row: bytes | None) -> None:
        """Note the row, if there is one by then, as the moment of all that is wanted at this cut."""
        if row is not None:
            self.moments += [Moment(label, step, steps, row) for label, step in self.wanted[cut][1]]


def _events(
    records: Iterable[Record], students: Iterable[str], account: MomentCounts, decode: Decode
) -> dict[str, list[_Dated]]:
    """The events of each labelled student."""
    events: dict[str, list[_Dated]] = {student: [] for student in students}
    for record in records:
        account.records += 1
        decoded = decode(record)
        account.unreadable += len(decoded.invalid)
        for event in decoded.events:
            if event.student_id in events:
                time_us = min(int(event.time.timestamp() * 1e6), record.timestamp * 1000)
                events[event.student_id].append(_Dated(time_us, record.timestamp, event))
            else:
                account.unlabelled_students.add(event.student_id)
    return events

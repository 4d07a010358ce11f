"""Moments: students as the pipeline knew them, at a label's `as_of` and before.

A model that only ever saw finished work is badly calibrated while the work goes on, so each label also stands for the
student after so many of the events that lead up to it, 3, 5, 8 …; and, if need be, after k/N of them, which nobody
knows while they come. A student who withdrew later is one more moment of the last label: what came of it is known by
then.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, NamedTuple, Self

from schemas.dialects import Decode, Record, decode
from schemas.event import Session
from streams.event_record import EventRecord, event_pipeline
from streams.norms.view import NormView
from streams.replay import Replay, batches
from streams.rows.row import COMPONENTS_PER_STUDENT, KNOWN_IDS
from streams.skills.skill_set import SkillSet
from streams.training.dated import Dated, counted_time_us
from streams.training.labels import Label
from streams.training.occurrences import Occurrences

OWN: Final = ""
WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True, slots=True)
class Moment:
    """A row as stored at some `stage` of a label: OWN is its `as_of`; `3_events` or `25_percent`, so much before it;
    WITHDRAWN, the first event after it by which the student has withdrawn. `norms` are those in force then, if any.
    """

    label: Label
    stage: str
    row: bytes
    norms: NormView | None = None

    @property
    def own(self) -> bool:
        """Whether this is the state at the label's `as_of`."""
        return self.stage == OWN


@dataclass(slots=True)
class MomentCounts:
    """Where records and labels went; and by the source that events name, which facts occur in them."""

    records: int = 0
    unreadable: int = 0
    unlabelled_students: set[str] = field(default_factory=set)
    labels_without_events: int = 0
    platforms: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of_parts(cls, parts: Sequence["MomentCounts"]) -> Self:
        """Of the same records, read once for each of several parts of the labels."""
        return cls(
            records=max(part.records for part in parts),
            unreadable=max(part.unreadable for part in parts),
            unlabelled_students=set.intersection(*(part.unlabelled_students for part in parts)),
            labels_without_events=sum(part.labels_without_events for part in parts),
            platforms=parts[0].platforms,
        )


async def moments_of(
    records: Iterable[Record],
    labels: Sequence[Label],
    skill_set: SkillSet,
    steps: int = 1,
    *,
    counts: Sequence[int] = (),
    withdrawn: bool = False,
    decode: Decode = decode,
    known_ids: int = KNOWN_IDS,
    components: int = COMPONENTS_PER_STUDENT,
) -> tuple[list[Moment], MomentCounts]:
    """Process every labelled student's events, by their times, and keep the row at several moments a label: at its
    `as_of`, at `steps` - 1 evenly before, and after as many events as each of `counts`; if `withdrawn`, also at a
    withdrawal that comes after the last label.

    A label without any event by its `as_of` has no moments; moments that fall on the same event are taken once, the
    label's own if it is one of them. An offset in a row is the number of the event among its student's.
    """
    stages = _Stages(steps, tuple(counts), withdrawn)
    of_student: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        of_student[label.student].append(label)
    account = MomentCounts()
    events = _events(records, of_student.keys(), account, decode)
    histories = [_History.of(student, events.pop(student), own, stages) for student, own in of_student.items()]
    account.labels_without_events = sum(history.labels_without_events for history in histories)
    replay = Replay(event_pipeline(skill_set, known_ids, components), scores=False)
    for cut in range(max((len(history.wanted) for history in histories), default=0)):
        due = [history for history in histories if cut < len(history.wanted)]
        for batch in batches(record for history in due for record in history.part(cut)):
            await replay.feed(batch)
        for history in due:
            history.keep(cut, replay.rows.get(0, history.student.encode()))
    return [moment for history in histories for moment in history.moments], account


class _Stages(NamedTuple):
    """Which moments are wanted of each label; see `moments_of`."""

    steps: int
    counts: tuple[int, ...]
    withdrawn: bool

    def by_size(self, known: int) -> dict[int, str]:
        """The stages of a label that `known` events lead up to, by how many of them there are."""
        if not known:
            return {}
        shares = {-(-known * step // self.steps): step for step in range(1, self.steps)}
        return {
            **{size: f"{round(100 * step / self.steps)}_percent" for size, step in shares.items()},
            **{count: f"{count}_events" for count in self.counts if count < known},
            known: OWN,
        }


@dataclass(slots=True)
class _History:
    """A student's events, in order. `wanted` are the labels' stages by the number of events up to them, in order."""

    student: str
    events: list[Dated]
    wanted: list[tuple[int, list[tuple[Label, str]]]]
    labels_without_events: int
    moments: list[Moment] = field(default_factory=list)

    @classmethod
    def of(cls, student: str, events: list[Dated], labels: Sequence[Label], stages: _Stages) -> Self:
        """Put the events in order, and find where the stages of the labels lie."""
        events.sort(key=attrgetter("time_us"))
        wanted: dict[int, list[tuple[Label, str]]] = defaultdict(list)
        without = 0
        for label in labels:
            known = bisect_right(events, label.as_of_us, key=attrgetter("time_us"))
            without += known == 0
            for size, stage in stages.by_size(known).items():
                wanted[size].append((label, stage))
        if stages.withdrawn:
            for size, label in _withdrawals(events, labels):
                wanted[size].append((label, WITHDRAWN))
        return cls(student, events, sorted(wanted.items()), without)

    def part(self, cut: int) -> Iterator[EventRecord]:
        """The events after those of the last cut, up to this one."""
        begin, end = self.wanted[cut - 1][0] if cut else 0, self.wanted[cut][0]
        for offset, dated in enumerate(self.events[begin:end], begin):
            yield EventRecord(offset, dated.timestamp, dated.event)

    def keep(self, cut: int, row: bytes | None) -> None:
        """Note the row, if there is one by then, as the moment of all that is wanted at this cut."""
        if row is not None:
            self.moments += [Moment(label, stage, row) for label, stage in self.wanted[cut][1]]


def _withdrawals(events: Sequence[Dated], labels: Sequence[Label]) -> Iterator[tuple[int, Label]]:
    """The last label of each skill that a withdrawal comes after, and how many events there are by then."""
    last = {label.skill: label for label in sorted(labels, key=attrgetter("as_of_us"))}
    for label in last.values():
        for size, dated in enumerate(events, start=1):
            event = dated.event
            if dated.time_us > label.as_of_us and isinstance(event, Session) and event.phase == "withdrawn":
                yield size, label
                break


def _events(
    records: Iterable[Record], students: Iterable[str], account: MomentCounts, decode: Decode
) -> dict[str, list[Dated]]:
    """The events of each labelled student."""
    events: dict[str, list[Dated]] = {student: [] for student in students}
    occurrences = Occurrences()
    for record in records:
        account.records += 1
        decoded = decode(record)
        account.unreadable += len(decoded.invalid)
        occurrences.note(decoded.events)
        for event in decoded.events:
            if event.student_id in events:
                events[event.student_id].append(Dated(counted_time_us(event, record), record.timestamp, event))
            else:
                account.unlabelled_students.add(event.student_id)
    account.platforms = occurrences.facts()
    return events

"""A history, student by student and answer by answer: the row before each answer, and what came of it.

Students walk in step: a round has the next answer of everyone who has one left, so that folding them is the work of a
few batches a round, by the very code that folds in a worker.

    events ──decode──► histories ──round──► rows before │ the answers, folded ──► rows after
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Self

import numpy as np
from numpy.typing import NDArray

from schemas.dialects import Decode, Record
from schemas.event import Attempt, NativeEvent
from streams.event_record import EventRecord
from streams.mastery.counts import AnswerCounts, Questions
from streams.pipeline import Pipeline
from streams.replay import Replay, batches
from streams.rows.row_batch import Floats, RowBatch
from streams.training.dated import Dated, counted_time_us

WalkProgress = Callable[[int, int], None]
"""Hears how many answers are done, of how many."""


@dataclass(slots=True)
class History:
    """One student's events, in the order of their times. `asked` are the places of attempts that name components."""

    student: str
    events: list[Dated] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def put_in_order(self) -> None:
        """Events of one time stay in the order in which they came."""
        self.events.sort(key=attrgetter("time_us"))
        self.asked = [at for at, dated in enumerate(self.events) if _names_components(dated.event)]

    def record(self, at: int) -> EventRecord:
        """The event there."""
        return EventRecord(at, self.events[at].timestamp, self.events[at].event)


@dataclass(frozen=True, slots=True)
class Histories:
    """Those with an answer, `of_others`, and what was read: `records`, of which `unreadable` events were not."""

    of_students: list[History]
    of_others: list[History]
    records: int
    unreadable: int

    @classmethod
    def of(cls, records: Iterable[Record], decode: Decode) -> Self:
        """Decode all records."""
        by_student: dict[str, History] = {}
        count = unreadable = 0
        for record in records:
            count += 1
            decoded = decode(record)
            unreadable += len(decoded.invalid)
            for event in decoded.events:
                history = by_student.setdefault(event.student_id, History(event.student_id))
                history.events.append(Dated(counted_time_us(event, record), record.timestamp, event))
        for history in by_student.values():
            history.put_in_order()
        found = list(by_student.values())
        asked, others = [each for each in found if each.asked], [each for each in found if not each.asked]
        return cls(asked, others, count, unreadable)

    def events(self) -> Iterator[Dated]:
        """All events of all, student after student."""
        for history in (*self.of_students, *self.of_others):
            yield from history.events


@dataclass(frozen=True, slots=True)
class Round:
    """One answer each of some students: `student` are indices of the histories, `before` and `after` their rows.

    `outcome` is 1 where the answer counts as right, 0 where not, NaN where it does not count at all; `times_us` are
    those of the answers.
    """

    student: Sequence[int]
    times_us: NDArray[np.int64]
    attempts: Sequence[Attempt]
    questions: Questions
    before: RowBatch
    counts: AnswerCounts
    outcome: Floats


async def walk(histories: Histories, pipeline: Pipeline, most: int, progress: WalkProgress) -> AsyncIterator[Round]:
    """The first `most` rounds, in their order, folded by a pipeline of EventRecords (`streams.event_record`).

    Whether an answer counts, and as what, is seen from what it changed.
    """
    replay, names = Replay(pipeline, scores=False), pipeline.skill_set.names
    everyone = histories.of_students
    total, done = sum(min(len(history.asked), most) for history in everyone), 0
    due = list(range(len(everyone)))
    for number in range(min(most, max((len(history.asked) for history in everyone), default=0))):
        due = [index for index in due if number < len(everyone[index].asked)]
        for batch in batches(_between(everyone, due, number)):
            await replay.feed(batch)
        before = _rows(replay, everyone, due, names)
        for batch in batches(everyone[index].record(everyone[index].asked[number]) for index in due):
            await replay.feed(batch)
        after = _rows(replay, everyone, due, names)
        yield _round(everyone, due, number, before, after)
        done += len(due)
        progress(done, total)


def _between(everyone: Sequence[History], due: Sequence[int], number: int) -> Iterable[EventRecord]:
    """What these students did between their last answer and the next."""
    for index in due:
        asked = everyone[index].asked
        for at in range(asked[number - 1] + 1 if number else 0, asked[number]):
            yield everyone[index].record(at)


def _rows(replay: Replay, everyone: Sequence[History], due: Sequence[int], names: tuple[str, ...]) -> RowBatch:
    stored = replay.rows.get_many(0, [everyone[index].student.encode() for index in due])
    return RowBatch.of(stored, names)


def _round(everyone: Sequence[History], due: Sequence[int], number: int, before: RowBatch, after: RowBatch) -> Round:
    asked = [everyone[index].events[everyone[index].asked[number]] for index in due]
    attempts = [_attempt(dated.event) for dated in asked]
    questions = Questions.of(
        range(len(due)), [attempt.item_id for attempt in attempts], [attempt.kcs or () for attempt in attempts]
    )
    counts = AnswerCounts.of(before)
    times_us = np.array([dated.time_us for dated in asked], np.int64)
    outcome = _outcome(questions, counts, AnswerCounts.of(after))
    return Round(due, times_us, attempts, questions, before, counts, outcome)


def _outcome(questions: Questions, before: AnswerCounts, after: AnswerCounts) -> Floats:
    """By which counts of its components rose."""
    rows = questions.row[questions.owner]
    won, failed = (
        _any(questions, later > earlier)
        for later, earlier in zip(after.at(rows, questions.code), before.at(rows, questions.code), strict=True)
    )
    return np.where(won, 1.0, np.where(failed, 0.0, np.nan))


def _any(questions: Questions, rose: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.bincount(questions.owner, rose, len(questions.row)) > 0


def _names_components(event: NativeEvent) -> bool:
    return isinstance(event, Attempt) and bool(event.kcs)


def _attempt(event: NativeEvent) -> Attempt:
    assert isinstance(event, Attempt)
    return event

"""ASSISTments 2009 ('skill builder') and 2015: a student's answers in their order, each with its knowledge components.

    attempts (student, n, item, kcs, correct) ──► attempt, the first at its item

The data have no times. An answer's time is invented, and depends on `n` alone: a student's nth is of n minutes after
START, so that the order is kept and hardly anything decays. Whatever is learnt from these times means nothing. Or
students come one after the other, in the order of the table, so many a day, and answer every ten seconds: to see what
can be learnt from those who came before.

2015 has no items. An answer without one gets an `item_id` of its own, which begins with `schemas.event.NO_ITEM`: no
item seems to be tried again, and whoever keeps a bank of items knows that this is none.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.event import (
    MAX_COMPONENT_CHARS,
    MAX_COMPONENTS_OF_EVENT,
    MAX_IDENTIFIER_CHARS,
    NO_ITEM,
    Attempt,
    NativeEvent,
)
from streams.conversion.tables import RowUnreadable, Tables
from streams.conversion.training_set import TrainingSet, training_set

START: Final = datetime(2009, 9, 1, tzinfo=UTC)
ATTEMPT_COLUMNS: Final = ("student", "n", "item", "kcs", "correct")
MOST_ANSWERS: Final = 1_000_000
_ANSWER_S: Final = 10
_MAX_STUDENT_CHARS: Final = 200  # with `n` it is part of identifiers


def convert_assistments(tables: Tables, students_a_day: int | None = None) -> TrainingSet:
    """Read `attempts`. Every readable row becomes one event; there are no labels. All students begin at START, or
    `students_a_day` on each day.

    Raises TableMissing and TableUnreadable.
    """
    invented = _Times(students_a_day)
    events: list[NativeEvent] = []
    seen: set[tuple[str, int]] = set()
    for student, n, item, kcs, correct in tables.rows("attempts", ATTEMPT_COLUMNS):
        try:
            number = _number(n)
            event = _attempt(student, number, invented.of(student, number), item, kcs, correct)
        except RowUnreadable as reason:
            tables.tally.skip(f"attempts: {reason}")
            continue
        if (student, number) in seen:
            tables.tally.skip("attempts: an n that this student had before")
            continue
        seen.add((student, number))
        events.append(event)
        tables.tally.notes["attempts without an item"] += not item
        tables.tally.notes["attempts without a component"] += not kcs
    return training_set(events, None, tables.tally)


@dataclass(frozen=True, slots=True)
class _Times:
    students_a_day: int | None
    _order: dict[str, int] = field(default_factory=dict)

    def of(self, student: str, number: int) -> datetime:
        """The time of a student's answer; students are in the order in which they are asked for."""
        if self.students_a_day is None:
            return START + timedelta(minutes=number)
        day = self._order.setdefault(student, len(self._order)) // self.students_a_day
        return START + timedelta(days=day, seconds=_ANSWER_S * number)


def _attempt(student: str, number: int, time: datetime, item: str, kcs: str, correct: str) -> Attempt:
    if not 1 <= len(student) <= _MAX_STUDENT_CHARS:
        raise RowUnreadable(f"a student of no characters, or of more than {_MAX_STUDENT_CHARS}")
    if len(item) > MAX_IDENTIFIER_CHARS:
        raise RowUnreadable(f"an item of more than {MAX_IDENTIFIER_CHARS} characters")
    if correct not in ("0", "1"):
        raise RowUnreadable("neither 0 nor 1 as correct")
    return Attempt(
        version=1,
        event_id=f"assistments-{student}-{number}",
        student_id=student,
        time=time,
        item_id=item or f"{NO_ITEM}{student}-{number}",
        score=float(correct),
        kcs=_components(kcs) if kcs else None,
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_ANSWERS))):
        raise RowUnreadable("an n that is no whole number")
    if not 1 <= int(text) <= MOST_ANSWERS:
        raise RowUnreadable(f"an n that is not from 1 to {MOST_ANSWERS:,}")
    return int(text)


def _components(text: str) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if len(names) > MAX_COMPONENTS_OF_EVENT:
        raise RowUnreadable(f"more than {MAX_COMPONENTS_OF_EVENT} components")
    if not all(1 <= len(name) <= MAX_COMPONENT_CHARS for name in names):
        raise RowUnreadable(f"a component's name of no characters, or of more than {MAX_COMPONENT_CHARS}")
    return names

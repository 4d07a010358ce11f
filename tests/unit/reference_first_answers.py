"""First answers as they are meant: of one event, by plain Python. What folding must equal, to the bit."""

import math
from typing import NamedTuple

from schemas.event import Attempt, Mark, NativeEvent, Submission
from tests.unit.reference_facts import passed


class FirstAnswer(NamedTuple):
    """Of the event `event_id`: the item's name, and what the answer says in 32 bits."""

    student: str
    event_id: str
    item: str
    packed: int


def first_answer(event: NativeEvent, *, again: bool) -> FirstAnswer | None:
    """The first answer that an event is, unless it comes `again` after an open failure; None where it is none."""
    match event:
        case Attempt(attempt=1) if not again and not _is_rapid(event):
            kind = 2 if passed(event) and not event.hints else 1
            return _of(event, kind, event.score, event.duration_s, None)
        case Submission(score=score, due=due) if score is not None or due is not None:
            days = None if due is None else (due - event.time).total_seconds() / 86_400
            return _of(event, 0, score, None, days)
        case Mark(score=score):
            return _of(event, 0, score, None, None)
    return None


def _is_rapid(event: Attempt) -> bool:
    return event.duration_s is not None and event.duration_s < 2


def _of(
    event: Attempt | Submission | Mark, kind: int, score: float | None, duration_s: float | None, days: float | None
) -> FirstAnswer | None:
    packed = 1023 if score is None else round(score * 1000)
    packed |= (2047 if duration_s is None else min(round(math.log1p(duration_s) * 100), 2046)) << 10
    packed |= (511 if days is None else round((min(max(days, -50), 50) + 50) * 5)) << 21
    packed |= kind << 30
    if event.item_id.startswith("no-item:"):
        return None
    return FirstAnswer(event.student_id, event.event_id, event.item_id, packed)

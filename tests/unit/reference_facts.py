"""Facts as they are meant: of one event, by plain Python. What `streams.folding.facts` must equal, to the bit."""

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from schemas import event as e
from streams.folding.facts import (
    AGREED,
    ASKED,
    ATTEMPTED,
    CHANGED,
    DAY_S,
    DISAGREED,
    EARLY,
    ENDED,
    ENROLLED,
    FAILED,
    FINISHED,
    GAVE_UP,
    HELPED,
    HINTED,
    ISOLATED,
    LATE,
    MARKED,
    MISSED,
    PASS_SCORE,
    PASSED,
    RECOVERED,
    REFLECTED,
    REPLIED,
    RESET,
    RETRIED,
    SAT_DOWN,
    SET_CONTROLS,
    SOUGHT,
    SUBMITTED,
    THOUGHT_BEFORE_NONE,
    THOUGHT_BEFORE_ONE,
    THOUGHT_BEFORE_RESET,
    THOUGHT_BEFORE_SOME,
    VARIED_NONE,
    VARIED_ONE,
    VARIED_SOME,
    WATCHED,
    WORKED,
    WROTE,
)

Fact: TypeAlias = tuple[int, float]


def facts_of(event: e.NativeEvent) -> list[Fact]:
    """The facts of an event that stand without knowing any other event; empty if it is of no use for skills."""
    reader = _READERS.get(type(event))
    return reader(event) if reader else []


def passed(event: e.Attempt) -> bool:
    """What is said of its success decides; where nothing is said, its score does."""
    if event.success is not None:
        return event.success
    return event.score >= PASS_SCORE


def _attempt(event: e.Attempt) -> list[Fact]:
    facts = [(ATTEMPTED, event.score)]
    if passed(event):
        facts.append((PASSED, event.score))
        if event.attempt > 1:
            facts.append((RECOVERED, float(event.attempt)))
    else:
        facts.append((FAILED, 1.0 - event.score))
    if event.attempt > 1:
        facts.append((RETRIED, float(event.attempt)))
    if event.hints:
        facts.append((HINTED, float(event.hints)))
    return facts + _time_on_task(event.duration_s)


def _failure(event: e.Failure) -> list[Fact]:
    return [(FAILED, 1.0), (GAVE_UP, 1.0)] if event.gave_up else [(FAILED, 1.0)]


def _submission(event: e.Submission) -> list[Fact]:
    facts = [(SUBMITTED, event.weight or 0.0)]
    if event.score is not None:
        facts.append((MARKED, event.score))
    if event.due is not None:
        days_early = (event.due - event.time).total_seconds() / DAY_S
        facts.append((EARLY, days_early) if days_early >= 0 else (LATE, -days_early))
    return facts


def _control(event: e.Control) -> list[Fact]:
    if event.reset:
        return [(RESET, 1.0), *_thought(THOUGHT_BEFORE_RESET, event.duration_s)]
    off_neutral = sum(1 for setting in event.controls.values() if setting)
    facts = [(SET_CONTROLS, float(off_neutral))]
    if off_neutral == 0:
        facts += [(VARIED_NONE, 1.0), *_thought(THOUGHT_BEFORE_NONE, event.duration_s)]
    elif off_neutral == 1:
        facts += [(VARIED_ONE, 1.0), *_thought(THOUGHT_BEFORE_ONE, event.duration_s)]
    else:
        facts += [(VARIED_SOME, float(off_neutral)), *_thought(THOUGHT_BEFORE_SOME, event.duration_s)]
    if event.changed is not None:
        facts.append((CHANGED, float(event.changed)))
        if off_neutral == 1 and event.changed == 1:
            facts.append((ISOLATED, 1.0))
    return facts


def _thought(fact: int, duration_s: float | None) -> list[Fact]:
    return [] if duration_s is None else [(fact, math.log1p(duration_s)), (WORKED, math.log1p(duration_s))]


def _time_on_task(duration_s: float | None) -> list[Fact]:
    return [] if duration_s is None else [(WORKED, math.log1p(duration_s))]


def _collaboration(event: e.Collaboration) -> list[Fact]:
    fact = {"asked": ASKED, "agreed": AGREED, "disagreed": DISAGREED}.get(event.act, HELPED)
    return [(fact, 1.0)]


def _session(event: e.Session) -> list[Fact]:
    if event.phase == "end":
        return [(ENDED, 0.0 if event.duration_s is None else math.log1p(event.duration_s))]
    return [(ENROLLED if event.phase == "enrolled" else SAT_DOWN, 1.0)]


def _media(event: e.Media) -> list[Fact]:
    fact = {"played": WATCHED, "completed": FINISHED, "seeked": SOUGHT}.get(event.action)
    return [] if fact is None else [(fact, 1.0)]


def _message(event: e.Message) -> list[Fact]:
    words = float(event.text.count(" ") + 1)
    return [(WROTE, words), (REPLIED, 1.0)] if event.in_reply_to else [(WROTE, words)]


_READERS: Final[dict[type, Callable[[Any], list[Fact]]]] = {
    e.Attempt: _attempt,
    e.Failure: _failure,
    e.Retry: lambda _: [(RETRIED, 1.0)],
    e.Hint: lambda _: [(HINTED, 1.0)],
    e.Submission: _submission,
    e.Mark: lambda event: [(MARKED, event.score)],
    e.Overdue: lambda event: [(MISSED, event.weight or 0.0)],
    e.Control: _control,
    e.Message: _message,
    e.Reflection: lambda event: [] if event.asked_for else [(REFLECTED, float(event.text.count(" ") + 1))],
    e.Collaboration: _collaboration,
    e.Session: _session,
    e.Media: _media,
}

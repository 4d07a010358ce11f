"""Facts as they are meant: of one event, by plain Python. What `streams.folding.facts` must equal, to the bit."""

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from schemas import event as e
from streams.folding.facts import DAY_S, PASS_SCORE
from streams.vocabulary import Fact

Stated: TypeAlias = tuple[int, float]


def facts_of(event: e.NativeEvent) -> list[Stated]:
    """The facts of an event that stand without knowing any other event; empty if it is of no use for skills."""
    reader = _READERS.get(type(event))
    return reader(event) if reader else []


def passed(event: e.Attempt) -> bool:
    """What is said of its success decides; where nothing is said, its score does."""
    if event.success is not None:
        return event.success
    return event.score >= PASS_SCORE


def _attempt(event: e.Attempt) -> list[Stated]:
    facts: list[Stated] = [(Fact.ATTEMPTED, event.score)]
    if passed(event):
        facts.append((Fact.PASSED, event.score))
        if event.attempt > 1:
            facts.append((Fact.RECOVERED, float(event.attempt)))
    else:
        facts.append((Fact.FAILED, 1.0 - event.score))
    if event.attempt > 1:
        facts.append((Fact.RETRIED, float(event.attempt)))
    if event.hints:
        facts.append((Fact.HINTED, float(event.hints)))
    return facts + _time_on_task(event.duration_s)


def _failure(event: e.Failure) -> list[Stated]:
    return [(Fact.FAILED, 1.0), (Fact.GAVE_UP, 1.0)] if event.gave_up else [(Fact.FAILED, 1.0)]


def _submission(event: e.Submission) -> list[Stated]:
    facts: list[Stated] = [(Fact.SUBMITTED, event.weight or 0.0)]
    if event.score is not None:
        facts.append((Fact.MARKED, event.score))
    if event.due is not None:
        days_early = (event.due - event.time).total_seconds() / DAY_S
        facts.append((Fact.EARLY, days_early) if days_early >= 0 else (Fact.LATE, -days_early))
    return facts


def _control(event: e.Control) -> list[Stated]:
    if event.reset:
        return [(Fact.RESET, 1.0), *_thought(Fact.THOUGHT_BEFORE_RESET, event.duration_s)]
    off_neutral = sum(1 for setting in event.controls.values() if setting)
    facts: list[Stated] = [(Fact.SET_CONTROLS, float(off_neutral))]
    if off_neutral == 0:
        facts += [(Fact.VARIED_NONE, 1.0), *_thought(Fact.THOUGHT_BEFORE_NONE, event.duration_s)]
    elif off_neutral == 1:
        facts += [(Fact.VARIED_ONE, 1.0), *_thought(Fact.THOUGHT_BEFORE_ONE, event.duration_s)]
    else:
        facts += [(Fact.VARIED_SOME, float(off_neutral)), *_thought(Fact.THOUGHT_BEFORE_SOME, event.duration_s)]
    if event.changed is not None:
        facts.append((Fact.CHANGED, float(event.changed)))
        if off_neutral == 1 and event.changed == 1:
            facts.append((Fact.ISOLATED, 1.0))
    return facts


def _thought(fact: int, duration_s: float | None) -> list[Stated]:
    return [] if duration_s is None else [(fact, math.log1p(duration_s)), (Fact.WORKED, math.log1p(duration_s))]


def _time_on_task(duration_s: float | None) -> list[Stated]:
    return [] if duration_s is None else [(Fact.WORKED, math.log1p(duration_s))]


def _collaboration(event: e.Collaboration) -> list[Stated]:
    fact = {"asked": Fact.ASKED, "agreed": Fact.AGREED, "disagreed": Fact.DISAGREED}.get(event.act, Fact.HELPED)
    return [(fact, 1.0)]


def _session(event: e.Session) -> list[Stated]:
    if event.phase == "end":
        return [(Fact.ENDED, 0.0 if event.duration_s is None else math.log1p(event.duration_s))]
    fact = {"enrolled": Fact.ENROLLED, "start": Fact.SAT_DOWN, "withdrawn": Fact.WITHDREW}[event.phase]
    return [(fact, 1.0)]


def _media(event: e.Media) -> list[Stated]:
    fact = {"played": Fact.WATCHED, "completed": Fact.FINISHED, "seeked": Fact.SOUGHT}.get(event.action)
    return [] if fact is None else [(fact, 1.0)]


def _message(event: e.Message) -> list[Stated]:
    words = float(event.text.count(" ") + 1)
    return [(Fact.WROTE, words), (Fact.REPLIED, 1.0)] if event.in_reply_to else [(Fact.WROTE, words)]


_READERS: Final[dict[type, Callable[[Any], list[Stated]]]] = {
    e.Attempt: _attempt,
    e.Failure: _failure,
    e.Retry: lambda _: [(Fact.RETRIED, 1.0)],
    e.Hint: lambda _: [(Fact.HINTED, 1.0)],
    e.Submission: _submission,
    e.Mark: lambda event: [(Fact.MARKED, event.score)],
    e.Overdue: lambda event: [(Fact.MISSED, event.weight or 0.0)],
    e.Control: _control,
    e.Message: _message,
    e.Reflection: lambda event: [] if event.asked_for else [(Fact.REFLECTED, float(event.text.count(" ") + 1))],
    e.Collaboration: _collaboration,
    e.Session: _session,
    e.Media: _media,
}

"""Facts: the one vocabulary between events and judgement.

    event ──► facts (name, value) ──► totals per fact in the row ──► indicators, model features
                                 └──► the last telling ones, kept as evidence items

A fact's index is its key in every stored row: append to the list, never reorder it.
"""

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from schemas import event as e

FACTS: Final = (
    "attempted",  # value: score
    "passed",  # score; an attempt of at least PASS_SCORE
    "failed",  # 1 - score, or 1 without one
    "retried",  # number of the try, if known
    "recovered",  # number of the try that passed
    "hinted",  # hints taken
    "gave_up",
    "submitted",  # weight of the work, if known
    "marked",  # score
    "early",  # days before it was due
    "late",  # days after it was due
    "set_controls",  # controls off neutral
    "varied_none",
    "varied_one",
    "varied_some",  # controls off neutral, two or more
    "reset",
    "worked",  # log of 1 + seconds
    "wrote",  # words
    "reflected",  # words
    "replied",
    "helped",
    "asked",
    "agreed",
    "disagreed",
    "enrolled",
    "sat_down",
    "watched",
    "finished",
    "sought",
    "missed",  # weight of the work, if known
    "changed",  # controls that differ from the action before
    "isolated",  # one control off neutral, and only that one changed
    "thought_before_none",  # log of 1 + seconds, by the kind of action that followed
    "thought_before_one",
    "thought_before_some",
    "thought_before_reset",
    "ended",  # log of 1 + seconds since the action before
)
INDEX: Final = {name: index for index, name in enumerate(FACTS)}
PASS_SCORE: Final = 0.5
DAY_S: Final = 86_400.0

Fact: TypeAlias = tuple[int, float]
(
    ATTEMPTED, PASSED, FAILED, RETRIED, RECOVERED, HINTED, GAVE_UP, SUBMITTED, MARKED, EARLY, LATE,
    SET_CONTROLS, VARIED_NONE, VARIED_ONE, VARIED_SOME, RESET, WORKED, WROTE, REFLECTED, REPLIED,
    HELPED, ASKED, AGREED, DISAGREED, ENROLLED, SAT_DOWN, WATCHED, FINISHED, SOUGHT, MISSED,
    CHANGED, ISOLATED, THOUGHT_BEFORE_NONE, THOUGHT_BEFORE_ONE, THOUGHT_BEFORE_SOME, THOUGHT_BEFORE_RESET, ENDED,
) = range(len(FACTS))  # fmt: skip


def facts_of(event: e.NativeEvent) -> list[Fact]:
    """The facts of an event that stand without knowing any other event; empty if it is of no use for skills."""
    reader = _READERS.get(type(event))
    return reader(event) if reader else []


def _attempt(event: e.Attempt) -> list[Fact]:
    facts = [(ATTEMPTED, event.score)]
    if event.score >= PASS_SCORE:
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
    e.Overdue: lambda event: [(MISSED, event.weight or 0.0)],
    e.Control: _control,
    e.Message: _message,
    e.Reflection: lambda event: [(REFLECTED, float(event.text.count(" ") + 1))],
    e.Collaboration: _collaboration,
    e.Session: _session,
    e.Media: _media,
}

"""Events as facts (`streams.vocabulary`).

Events are read kind by kind, each as columns: a batch has thousands of them, and few kinds.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from schemas import event as e
from schemas.errors import Fatal
from streams.rows.layout import Array, Indices
from streams.vocabulary import Fact

PASS_SCORE: Final = 0.5
DAY_S: Final = 86_400.0

Kinds = Mapping[type, Sequence[int]]
"""Where the events of each kind are in a batch, ascending."""
FactReading = Iterator[tuple[int, Array | None, Array | float]]
"""A fact, which of a kind's events say it (None: all), and its value."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts, as arrays of one length; `event` is the place of the event that says so, ascending."""

    event: Indices
    fact: Indices
    value: Array

    def of(self, indices: Indices) -> "Facts":
        """Those of the events at `indices`, which are ascending and called 0, 1, 2 from now on."""
        at = np.searchsorted(indices, self.event)
        present = (
            (at < len(indices)) & (indices[np.minimum(at, len(indices) - 1)] == self.event) if len(indices) else at < 0
        )
        return Facts(at[present], self.fact[present], self.value[present])

    def and_of(self, event: Sequence[int], fact: Sequence[int], value: Sequence[float]) -> "Facts":
        """These and more, in the order of their events."""
        return _in_order(
            np.concatenate([self.event, np.array(event, np.intp)]),
            np.concatenate([self.fact, np.array(fact, np.intp)]),
            np.concatenate([self.value, np.array(value, np.float64)]),
        )


_NO_FACTS: Final = Facts(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))


def kinds_of(events: Iterable[e.NativeEvent]) -> Kinds:
    """Sort events by their kind."""
    kinds: defaultdict[type, list[int]] = defaultdict(list)
    for index, event in enumerate(events):
        kinds[type(event)].append(index)
    return kinds


def facts_of(events: Sequence[e.NativeEvent], kinds: Kinds) -> Facts:
    """The facts of events that stand without knowing any other event, those of their texts' language aside; none of an
    event that is of no use for skills.
    """
    found = [
        _said(np.array(indices, np.intp), reader([events[at] for at in indices]))
        for kind, indices in kinds.items()
        if (reader := _READERS.get(kind)) is not None
    ]
    if not found:
        return _NO_FACTS
    if len(found) == 1:
        return _in_order(*found[0])
    return _in_order(*map(np.concatenate, zip(*found, strict=True)))


def _said(index: Indices, reading: FactReading) -> tuple[Indices, Indices, Array]:
    """What a kind's events say, which are at `index`: for each fact the events that say it, the facts, their values."""
    facts, masks, columns = zip(*reading, strict=True)
    said, values = np.empty((len(facts), len(index)), np.bool_), np.empty((len(facts), len(index)))
    for row, (said_by, value) in enumerate(zip(masks, columns, strict=True)):
        said[row] = True if said_by is None else said_by
        values[row] = value
    fact, at = said.nonzero()
    return index[at], np.array(facts, np.intp)[fact], values[said]


def _in_order(event: Array, fact: Array, value: Array) -> Facts:
    order = np.argsort(event, kind="stable")
    return Facts(event[order], fact[order], value[order])


def has_passed(attempt: e.Attempt) -> bool:
    """What the platform says of its success, else whether its score is at least PASS_SCORE."""
    return attempt.score >= PASS_SCORE if attempt.success is None else attempt.success


def _attempts(events: Sequence[e.Attempt]) -> FactReading:
    score = np.array([event.score for event in events])
    number = np.array([event.attempt for event in events], np.float64)
    hints = np.array([event.hints for event in events], np.float64)
    passed, again = _passed(events, score), number > 1
    yield Fact.ATTEMPTED, None, score
    yield Fact.PASSED, passed, score
    yield Fact.RECOVERED, passed & again, number
    yield Fact.FAILED, ~passed, 1.0 - score
    yield Fact.RETRIED, again, number
    yield Fact.HINTED, hints > 0, hints
    duration = _log_seconds(events)
    yield Fact.WORKED, ~np.isnan(duration), duration


def _passed(events: Sequence[e.Attempt], score: Array) -> Array:
    """`has_passed` of each. Most platforms say nothing of success: then scores are compared all at once."""
    said = [event.success for event in events]
    if said.count(None) == len(said):
        return score >= PASS_SCORE
    return np.array([has_passed(event) for event in events])


def _failures(events: Sequence[e.Failure]) -> FactReading:
    yield Fact.FAILED, None, 1.0
    yield Fact.GAVE_UP, np.array([event.gave_up for event in events]), 1.0


def _submissions(events: Sequence[e.Submission]) -> FactReading:
    yield Fact.SUBMITTED, None, _weights(events)
    marked = np.array([event.score is not None for event in events])
    yield Fact.MARKED, marked, np.array([event.score or 0.0 for event in events])
    days_early = np.array([_days_early(event) for event in events])
    yield Fact.EARLY, days_early >= 0, days_early
    yield Fact.LATE, days_early < 0, -days_early


def _controls(events: Sequence[e.Control]) -> FactReading:
    off_neutral = np.array([sum(map(bool, event.controls.values())) for event in events], np.float64)
    reset = np.array([event.reset for event in events])
    changed = np.array([-1 if event.reset or event.changed is None else event.changed for event in events], np.float64)
    duration = _log_seconds(events)
    timed = ~np.isnan(duration)
    none, one, some = (off_neutral == 0) & ~reset, (off_neutral == 1) & ~reset, (off_neutral > 1) & ~reset
    yield Fact.SET_CONTROLS, ~reset, off_neutral
    yield Fact.VARIED_NONE, none, 1.0
    yield Fact.VARIED_ONE, one, 1.0
    yield Fact.VARIED_SOME, some, off_neutral
    yield Fact.RESET, reset, 1.0
    yield Fact.THOUGHT_BEFORE_NONE, none & timed, duration
    yield Fact.THOUGHT_BEFORE_ONE, one & timed, duration
    yield Fact.THOUGHT_BEFORE_SOME, some & timed, duration
    yield Fact.THOUGHT_BEFORE_RESET, reset & timed, duration
    yield Fact.WORKED, timed, duration
    yield Fact.CHANGED, changed >= 0, changed
    yield Fact.ISOLATED, one & (changed == 1), 1.0


def _messages(events: Sequence[e.Message]) -> FactReading:
    yield Fact.WROTE, None, _words(events)
    yield Fact.REPLIED, np.array([bool(event.in_reply_to) for event in events]), 1.0


def _reflections(events: Sequence[e.Reflection]) -> FactReading:
    yield Fact.REFLECTED, np.array([not event.asked_for for event in events]), _words(events)


def _collaborations(events: Sequence[e.Collaboration]) -> FactReading:
    named = {"asked": Fact.ASKED, "agreed": Fact.AGREED, "disagreed": Fact.DISAGREED}
    act = np.array([named.get(event.act, Fact.HELPED) for event in events])
    for fact in (Fact.HELPED, *named.values()):
        yield fact, act == fact, 1.0


def _sessions(events: Sequence[e.Session]) -> FactReading:
    phase = np.array([event.phase for event in events])
    yield Fact.ENROLLED, phase == "enrolled", 1.0
    yield Fact.SAT_DOWN, phase == "start", 1.0
    yield Fact.ENDED, phase == "end", np.nan_to_num(_log_seconds(events))
    yield Fact.WITHDREW, phase == "withdrawn", 1.0


def _media(events: Sequence[e.Media]) -> FactReading:
    action = np.array([event.action for event in events])
    for name, fact in (("played", Fact.WATCHED), ("completed", Fact.FINISHED), ("seeked", Fact.SOUGHT)):
        yield fact, action == name, 1.0


def _always(fact: int) -> Callable[[Sequence[Any]], FactReading]:
    return lambda _: iter([(fact, None, 1.0)])


def _log_seconds(events: Sequence[e.Attempt | e.Control | e.Session]) -> Array:
    """log(1 + seconds), NaN where an event has none. Not by numpy: what it gives differs between processors."""
    return np.array([math.nan if event.duration_s is None else math.log1p(event.duration_s) for event in events])


def _words(events: Sequence[e.Message | e.Reflection]) -> Array:
    return np.array([float(event.text.count(" ") + 1) for event in events])


def _weights(events: Sequence[e.Submission | e.Overdue]) -> Array:
    return np.array([event.weight or 0.0 for event in events])


def _days_early(event: e.Submission) -> float:
    return math.nan if event.due is None else (event.due - event.time).total_seconds() / DAY_S


_READERS: Final[dict[type, Callable[[Sequence[Any]], FactReading]]] = {
    e.Attempt: _attempts,
    e.Failure: _failures,
    e.Retry: _always(Fact.RETRIED),
    e.Hint: _always(Fact.HINTED),
    e.Submission: _submissions,
    e.Mark: lambda events: iter([(Fact.MARKED, None, np.array([event.score for event in events]))]),
    e.Overdue: lambda events: iter([(Fact.MISSED, None, _weights(events))]),
    e.Control: _controls,
    e.Message: _messages,
    e.Reflection: _reflections,
    e.Collaboration: _collaborations,
    e.Session: _sessions,
    e.Media: _media,
}
if odd := _READERS.keys() ^ {kind for fact in Fact if fact.standing != "language" for kind in fact.read_from}:
    raise Fatal(f"facts are declared of other events than are read: {', '.join(sorted(kind.__name__ for kind in odd))}")

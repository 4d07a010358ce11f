"""How busy one worker is, by the rate of its events.

A step takes what came since the one before. While the worker has time, steps come as often as the broker answers
fetches; beyond that a step begins when the last is done, and takes more at a time:

    │◄── interval ──►│           interval = max(collect + STEP_INTERVAL_S, time of a step)
    │ step │  waits  │ step │    step     = STEP_CPU_S + events · cost of an event
"""

from dataclasses import dataclass
from math import exp, inf

from agents.operations.capacity.costs import (
    DECODING_CPU_S,
    EVENT_CPU_S,
    STEP_CPU_S,
    STEP_INTERVAL_S,
    STUDENT_CPU_S,
    TEXT_CPU_S,
    UPDATES_PER_EVENT,
)
from agents.operations.capacity.demand import Demand


@dataclass(frozen=True, slots=True)
class Working:
    """One worker at one rate. `work` and `busy` are shares of a core: of what grows with events, and with steps too.

    `work` of 1 and more: it falls behind, and `interval_s` is infinite.
    """

    events_per_s: float
    updates_per_event: float
    work: float
    interval_s: float

    @property
    def busy(self) -> float:
        """At most 1."""
        return min(1.0, self.work + STEP_CPU_S / self.interval_s)

    @property
    def events_per_step(self) -> float:
        """Infinite where it falls behind."""
        return self.events_per_s * self.interval_s


def event_cpu_s(demand: Demand, updates_per_event: float = UPDATES_PER_EVENT) -> float:
    """CPU of an event with its part of the updates."""
    reading = EVENT_CPU_S + DECODING_CPU_S[demand.dialect] + demand.text_share * TEXT_CPU_S
    return reading + updates_per_event * STUDENT_CPU_S


def working(demand: Demand, events_per_s: float, students: float) -> Working:
    """A worker of so many students. Events of one student within a step share an update."""
    shortest_s = max(demand.collect_ms / 1000 + STEP_INTERVAL_S, 1 / events_per_s)
    updates = UPDATES_PER_EVENT * distinct(events_per_s * shortest_s, students)
    work = events_per_s * event_cpu_s(demand, updates)
    interval_s = max(shortest_s, STEP_CPU_S / (1 - work)) if work < 1 else inf
    return Working(events_per_s, updates, work, interval_s)


def distinct(events: float, students: float) -> float:
    """Of how many students so many events are, each event any student's: the mean, as a share of the events."""
    if events <= 0 or students <= 0:
        return 1.0
    return students / events * (1 - exp(-events / students))

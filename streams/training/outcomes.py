"""Outcomes from the stream itself: a history of events labels its own students.

A skill whose skills file names an `outcome` is learnt without a file of labels. At several moments of a student's
history, what is known by then predicts the outcome of all that came after: the sums of its facts at the end, less those
at the moment.

    events ──► when each student's were ──► moments ──► rows there and at the end ──► labels
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

import numpy as np

from schemas.dialects import Decode, Record, decode
from streams.evidence.features import DAY_US
from streams.rows.row import COMPONENTS_PER_STUDENT, KNOWN_IDS
from streams.rows.row_batch import Floats, RowBatch
from streams.skills.skill_set import Outcome, SkillSet
from streams.training.dated import dated_events
from streams.training.folds import COHORT
from streams.training.labels import Label
from streams.training.moments import Moment, MomentCounts, moments_of
from streams.vocabulary import INDEX

EVERY_DAYS: Final = 30
MAX_MOMENTS: Final = 24
_CHUNK: Final = 2_000


@dataclass(frozen=True, slots=True)
class OutcomePlan:
    """Moments of a student's history: after so many events as each of `counts` says, and every so many days of the
    calendar; MAX_MOMENTS at most, the later ones thinned. `cohort` finds a student's cohort in the id.
    """

    counts: tuple[int, ...] = ()
    every_days: int = EVERY_DAYS
    cohort: re.Pattern[str] | None = None

    def columns(self, student: str) -> tuple[tuple[str, str], ...]:
        """A label's columns."""
        if self.cohort is None:
            return ()
        found = self.cohort.search(student)
        return ((COHORT, found.group(0) if found else ""),)

    def moments(self, times_us: Sequence[int]) -> list[int]:
        """When to look at a student with events at `times_us`, ascending; the last event is always one of them."""
        step = self.every_days * DAY_US
        calendar = range(-(-times_us[0] // step) * step, times_us[-1], step)
        counted = [times_us[count - 1] for count in self.counts if count < len(times_us)]
        known = np.searchsorted(times_us, sorted([*counted, *calendar]), side="right")
        distinct = [times_us[size - 1] for size in np.unique(known).tolist() if 0 < size < len(times_us)]
        thinned = np.unique(np.linspace(0, len(distinct) - 1, MAX_MOMENTS).astype(int)) if distinct else ()
        return [*(distinct[at] for at in thinned), times_us[-1]]


def with_outcomes(skill_set: SkillSet) -> dict[str, Outcome]:
    """The skills that name one."""
    return {name: skill.outcome for name, skill in skill_set.skills.items() if isinstance(skill.outcome, Outcome)}


async def outcome_moments(
    records: Callable[[], Iterable[Record]],
    skill_set: SkillSet,
    plan: OutcomePlan,
    decode_of_pass: Callable[[], Decode] = lambda: decode,
    *,
    known_ids: int = KNOWN_IDS,
    components: int = COMPONENTS_PER_STUDENT,
) -> tuple[list[Moment], MomentCounts]:
    """Label the moments of every student by what came after them; those with too little after them are left out.

    `records` gives the events from the first on, and `decode_of_pass` how to decode them; both are called twice.
    """
    histories = _times(records(), decode_of_pass())
    asked = [Label(student, "", at, 0.0) for student, times in histories.items() for at in plan.moments(times)]
    states, account = await moments_of(
        records(), asked, skill_set, decode=decode_of_pass(), known_ids=known_ids, components=components
    )
    outcomes = with_outcomes(skill_set)
    return [
        moment for skill, outcome in outcomes.items() for moment in _labelled(states, skill, outcome, plan)
    ], account


def _times(records: Iterable[Record], decode: Decode) -> dict[str, list[int]]:
    """When each student's events were, ascending."""
    times: dict[str, list[int]] = defaultdict(list)
    for dated in dated_events(records, decode):
        times[dated.event.student_id].append(dated.time_us)
    for of_student in times.values():
        of_student.sort()
    return times


def _labelled(states: Sequence[Moment], skill: str, outcome: Outcome, plan: OutcomePlan) -> Iterator[Moment]:
    part, whole = _sums(states, outcome.numerator), _sums(states, outcome.denominator)
    ordered = sorted(range(len(states)), key=lambda at: (states[at].label.student, states[at].label.as_of_us))
    for student, of_student in groupby(ordered, key=lambda at: states[at].label.student):
        *moments, end = of_student
        columns = plan.columns(student)
        for at in moments:
            later = whole[end] - whole[at]
            if later >= outcome.at_least:
                value = float(np.clip((part[end] - part[at]) / later, 0, 1))
                label = Label(student, skill, states[at].label.as_of_us, round(value, 6), columns)
                yield replace(states[at], label=label)


def _sums(states: Sequence[Moment], terms: Sequence[str]) -> Floats:
    """The lifetime sums of `<fact>.n` or `<fact>.sum`, added over the terms, at each state."""
    sums = []
    for start in range(0, len(states), _CHUNK):
        facts = RowBatch.of([state.row for state in states[start : start + _CHUNK]], ()).facts
        columns = [term.partition(".") for term in terms]
        sums.append(
            sum(facts["total" if of == "sum" else "n"][:, INDEX[fact]].astype(np.float64) for fact, _, of in columns)
        )
    return np.concatenate(sums) if sums else np.zeros(0)

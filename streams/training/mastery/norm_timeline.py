"""The norms that were in force at any moment of a history, as a worker would have had them: learnt from students one
after the other, in the order of time, and published at the end of each period.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.event_record import EventRecord
from streams.norms.offline import OfflineNorms
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.replay import Replay, batches
from streams.rows.layout import Indices
from streams.training.mastery.walk import Histories


@dataclass(frozen=True, slots=True)
class NormTimeline:
    """`views[i]` is in force from `since_us[i]`, which ascend, until the next is; nothing is before the first."""

    since_us: Sequence[int] = ()
    views: Sequence[NormView] = ()

    def __bool__(self) -> bool:
        return len(self.views) > 0

    def at(self, times_us: NDArray[np.int64]) -> Iterator[tuple[NormView | None, Indices]]:
        """Norms that are in force at any of these times, and the indices of those times, which ascend."""
        number = np.searchsorted(np.array(self.since_us, np.int64), times_us, side="right")
        for each in np.unique(number).tolist():
            yield self.views[each - 1] if each else None, np.flatnonzero(number == each)


NO_TIMELINE: Final = NormTimeline()


@dataclass(frozen=True, slots=True)
class NormPlan:
    """How often norms are published, in the events' time. `courses` as for `publish`."""

    every_us: int
    courses: Mapping[str, str] = field(default_factory=dict)


async def norms_over(histories: Histories, pipeline: Pipeline, plan: NormPlan) -> NormTimeline:
    """Those of all students' events; the pipeline takes EventRecords."""
    every_us, replay, norms = plan.every_us, Replay(pipeline, scores=False), OfflineNorms(plan.every_us, plan.courses)
    since_us, views = list[int](), list[NormView]()
    for period, dated in groupby(_in_order(histories), lambda each: each.time_us // every_us):
        for batch in batches(each.record for each in dated):
            result = await replay.feed(batch)
            norms.note(result.rows, result.first_answers)
        end_us = (period + 1) * every_us
        view = norms.turn(end_us)
        if view is not None and view is not (views[-1] if views else None):
            since_us.append(end_us)
            views.append(view)
    return NormTimeline(since_us, views)


class _Timed(NamedTuple):
    time_us: int
    record: EventRecord


def _in_order(histories: Histories) -> Iterable[_Timed]:
    """All events in the order of time; those of one time by student."""
    timed = [
        _Timed(dated.time_us, history.record(at))
        for history in (*histories.of_students, *histories.of_others)
        for at, dated in enumerate(history.events)
    ]
    return sorted(timed, key=lambda each: each.time_us)

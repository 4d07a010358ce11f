"""The norms that were in force at any moment of a history, as a worker would have had them: learnt from students one
after the other, in the order of time, and published at the end of each period.

    all events, in order ──period after period──► norms at its end ──► timeline ──► each moment's norms
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.event_record import EventRecord
from streams.norms.offline import OfflineNorms
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.replay import Replay, batches
from streams.rows.codec import row_headers
from streams.rows.layout import Indices
from streams.training.dated import Dated
from streams.training.moments import Moment


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

    def of(self, moments: Sequence[Moment]) -> list[Moment]:
        """The moments, in their order, each under the norms that were in force at its row's newest event."""
        found = list(moments)
        if not self or not moments:
            return found
        times_us = row_headers([moment.row for moment in moments])["as_of_us"]
        for view, at in self.at(times_us):
            for each in at.tolist():
                found[each] = replace(moments[each], norms=view)
        return found


NO_TIMELINE: Final = NormTimeline()


@dataclass(frozen=True, slots=True)
class NormPlan:
    """How often norms are published, in the events' time; never for 0. `courses` as for `publish`."""

    every_us: int
    courses: Mapping[str, str] = field(default_factory=dict)


async def norms_over(events: Iterable[Dated], pipeline: Pipeline, plan: NormPlan) -> NormTimeline:
    """Those of all these events, in whichever order they come; the pipeline takes EventRecords."""
    every_us, replay, norms = plan.every_us, Replay(pipeline, scores=False), OfflineNorms(plan.every_us, plan.courses)
    since_us, views = list[int](), list[NormView]()
    in_order = enumerate(sorted(events, key=attrgetter("time_us")))
    for period, of_period in groupby(in_order, lambda each: each[1].time_us // every_us):
        for batch in batches(EventRecord(offset, dated.timestamp, dated.event) for offset, dated in of_period):
            result = await replay.feed(batch)
            norms.note(result.rows, result.first_answers)
        end_us = (period + 1) * every_us
        view = norms.turn(end_us)
        if view is not None and view is not (views[-1] if views else None):
            since_us.append(end_us)
            views.append(view)
    return NormTimeline(since_us, views)

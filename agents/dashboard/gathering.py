"""Gathers what one worker says of itself for the page: from its metrics, its health, and the lag."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from agents.dashboard.figures import (
    PAST_STEP_S,
    ComponentFigure,
    DeadLetterFigure,
    LagFigure,
    PageFigures,
    PartitionFigure,
    ReasoningFigure,
    SkillsFigure,
    written,
)
from agents.dashboard.past import CounterReading, PastSteps
from agents.dashboard.sums import LAST_DEAD_LETTERS
from agents.dashboard.tenant_figures import TenantFigures
from agents.display.plain import plain
from agents.health import Health, ReasoningState, SourceFailures
from agents.health.lag import LagMonitor
from agents.metrics import Metrics
from schemas.dead_letter import DeadLetter

_OFF: Final = ReasoningState(mode="off")


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How explanations are made, how many students wait for one, and since when (µs) the one who waits longest does."""

    state: Callable[[], ReasoningState] = lambda: _OFF
    pending: Callable[[], int] = lambda: 0
    oldest_us: Callable[[], int | None] = lambda: None


class FigureGathering:
    """Of one worker. `run` notes a step of its past every PAST_STEP_S, the rest is done when asked."""

    def __init__(
        self,
        metrics: Metrics,
        health: Health,
        lag: LagMonitor,
        *,
        levels: Callable[[], Awaitable[SkillsFigure]],
        failures: SourceFailures,
        sources: Sequence[str],
        reasoning: Reasoning,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._metrics, self._health, self._lag = metrics, health, lag
        self._levels, self._failures, self._sources = levels, failures, sources
        self._reasoning, self._now_s = reasoning, now_s
        self._past = PastSteps(metrics.latency_s.bounds_s)
        self._tenants = TenantFigures(metrics)
        self._last: deque[DeadLetterFigure] = deque(maxlen=LAST_DEAD_LETTERS)

    def note_dead_letters(self, dead_letters: Iterable[DeadLetter]) -> None:
        """Remember where the last ones were."""
        at_ms = int(self._now_s() * 1000)
        self._last += (
            DeadLetterFigure(
                at_ms=at_ms, topic=each.topic, partition=each.partition, offset=each.offset, reason=each.reason
            )
            for each in dead_letters
        )

    async def run(self) -> None:
        """Note steps until cancelled, each at the end of one of the wall clock's, as all workers do."""
        self.note_step()
        while True:
            await asyncio.sleep(PAST_STEP_S - self._now_s() % PAST_STEP_S)
            self.note_step()

    def note_step(self) -> None:
        """What has been counted until now belongs to the step that ends about now."""
        metrics, lag = self._metrics, self._lag.current()
        self._tenants.note(self._now_s())
        sums = {
            "records": metrics.records.value,
            "updates": metrics.updates.value,
        }
        behind = float(sum(lag.records.values())) if lag.problem is None else None
        values = {"lag": behind, "pending": float(self._reasoning.pending())}
        self._past.add(self._now_s() - PAST_STEP_S / 2, CounterReading(sums, values, metrics.latency_s.counts))

    async def now(self) -> dict[str, Any]:
        """PageFigures, as JSON."""
        report = await self._health.check()
        self._metrics.refresh()
        metrics, failing = self._metrics, self._failures.recent()
        return written(
            PageFigures(
                status=report.status,
                components=[ComponentFigure(each.name, each.status, each.reason) for each in report.components],
                students=_whole(metrics.students.value),
                lag=self._lag_figure(),
                degraded_updates=metrics.degraded_updates.value,
                dead_letters={reason: count for reason, count in metrics.dead_letters.values().items() if count},
                last_dead_letters=list(self._last),
                sources={name: "degraded" if name in failing else "ok" for name in self._sources},
                source_failures=metrics.source_failures.values(),
                reasoning=self._reasoning_figure(),
                skills=await self._levels(),
                past=self._past.past(),
                tenants=self._tenants.now(self._reasoning.state().unpaid_tenants),
            )
        )

    def _lag_figure(self) -> LagFigure:
        lag = self._lag.current()
        owners = lag.group.owners if lag.group is not None else {}
        partitions = [
            PartitionFigure(
                topic=topic,
                partition=partition,
                committed=at.committed,
                end=at.end,
                records=lag.records.get((topic, partition)),
                seconds=lag.seconds.get((topic, partition)),
                status=lag.statuses.get((topic, partition)),
                owner=owner.client_id if (owner := owners.get((topic, partition))) is not None else None,
                held=at.held_records,
            )
            for (topic, partition), at in sorted(lag.offsets.items())
        ]
        problem = plain(lag.problem) if lag.problem is not None else None
        return LagFigure(problem=problem, age_s=lag.age_s, partitions=partitions)

    def _reasoning_figure(self) -> ReasoningFigure:
        metrics, state, oldest_us = self._metrics, self._reasoning.state(), self._reasoning.oldest_us()
        problem = state.blocked or state.failing or state.unpaid
        return ReasoningFigure(
            mode=state.mode,
            problem=plain(problem) if problem else None,
            pending=self._reasoning.pending(),
            oldest_pending_s=None if oldest_us is None else max(0.0, self._now_s() - oldest_us / 1e6),
            in_flight=_whole(metrics.calls_in_flight.value),
            budget={labels[0]: used for labels, used in metrics.budget_used.values().items()},
            spend_usd=metrics.spend_usd.value,
            granted=metrics.calls_granted.value,
            refused=metrics.calls_refused.values(),
            explanations=metrics.explanations.values(),
            given_up=metrics.not_explained.value,
        )


def _whole(value: float) -> int:
    """A gauge's value; 0 while it is unknown."""
    return int(value) if isfinite(value) else 0

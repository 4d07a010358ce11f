"""The figures of a worker, by part, as `/worker/figures` has them."""

from collections.abc import Mapping
from typing import Any

from agents.health import Health
from agents.health.lag import LagMonitor
from agents.metrics import Metrics
from agents.peers.figures import FigurePart


def figure_parts(metrics: Metrics, health: Health, lag: LagMonitor) -> Mapping[str, FigurePart]:
    """By name: `health` in short, `lag` of the group by topic and partition, `counts` since the start."""

    async def of_health() -> dict[str, Any]:
        return (await health.check()).summary()

    async def of_lag() -> dict[str, Any]:
        return lag.current().as_json()

    async def of_counts() -> dict[str, Any]:
        metrics.refresh()
        return {
            "students": metrics.students.value,
            "events": metrics.events.values(),
            "updates": metrics.updates.value,
            "dead_letters": metrics.dead_letters.values(),
            "explanations": metrics.explanations.values(),
            "calls": metrics.calls_granted.value,
            "spent_usd": metrics.spend_usd.value,
        }

    return {"health": of_health, "lag": of_lag, "counts": of_counts}

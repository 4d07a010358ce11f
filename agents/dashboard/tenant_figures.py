"""What one worker says of each tenant, from its metrics: how much it sends, who is held, what is spent."""

from collections import deque
from collections.abc import Collection
from typing import Final

from agents.dashboard.figures import PAST_STEP_S, TenantFigure
from agents.metrics import Metrics

_LAST_MINUTE: Final = 60 // PAST_STEP_S


class TenantFigures:
    """Of one worker. `note` is to be called once a step; rates are of the last minute."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._noted: deque[tuple[float, tuple[dict[str, float], dict[str, float]]]] = deque(maxlen=_LAST_MINUTE + 1)

    def note(self, at_s: float) -> None:
        """Note what is counted until now."""
        self._noted.append((at_s, (self._metrics.tenant_events.values(), self._metrics.tenant_updates.values())))

    def now(self, unpaid: Collection[str]) -> list[TenantFigure]:
        """Of every tenant that was counted, by name. Gauges are taken as they are; `unpaid` have no money left."""
        metrics = self._metrics
        events, updates = (self._a_second(counted) for counted in (0, 1))
        dead_letters, spend_usd = metrics.tenant_dead_letters.values(), metrics.tenant_spend_usd.values()
        held, budgets = metrics.tenant_held.values(), metrics.tenant_budget_used.values()
        refused = metrics.tenant_calls_refused.by_tenant()
        names = {*metrics.tenant_events.values(), *(tenant for tenant, _ in budgets), *(tenant for (tenant,) in held)}
        return [
            TenantFigure(
                tenant=name,
                events_s=events.get(name, 0.0),
                updates_s=updates.get(name, 0.0),
                dead_letters=dead_letters.get(name, 0.0),
                held=int(held.get((name,), 0)),
                budget={limit: used for (tenant, limit), used in budgets.items() if tenant == name},
                unpaid=name in unpaid,
                spend_usd=spend_usd.get(name, 0.0),
                refused=refused.get(name, 0.0),
            )
            for name in sorted(names)
        ]

    def _a_second(self, counted: int) -> dict[str, float]:
        """The rates of the events or updates noted: what was added between the first and the last note."""
        if len(self._noted) < 2:
            return {}
        (began_s, first), (ended_s, last) = self._noted[0], self._noted[-1]
        then, now = first[counted], last[counted]
        return {name: (count - then.get(name, 0.0)) / max(ended_s - began_s, 1e-9) for name, count in now.items()}

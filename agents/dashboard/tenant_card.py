"""The card about tenants, where several share the deployment: how much each sends, who is held, what is left."""

from collections.abc import Sequence
from html import escape
from typing import Final

from agents.dashboard.bars import spent_bar
from agents.dashboard.figures import TenantFigure
from agents.dashboard.group import GroupView
from agents.dashboard.markup import nothing, pill, table
from agents.dashboard.numbers import amount, compact, dollars, percent

_MOST_TENANTS: Final = 12
_COLUMNS: Final = (
    "tenant",
    "state",
    "events",
    "updates",
    "dead letters",
    "calls refused",
    "spent",
    "own budget",
    "used",
)


def tenants(group: GroupView) -> str:
    """Those that are held first, then those without money, then those that have spent most of it."""
    first = sorted(
        group.tenants, key=lambda each: (-each.held, not each.unpaid, -_used(each), -each.events_s, each.tenant)
    )
    rows = [_tenant(each) for each in first[:_MOST_TENANTS]]
    hidden = len(first) - len(rows)
    more = nothing(f"{hidden} more: /metrics has all.") if hidden else ""
    return table("Tenants", _COLUMNS, rows, numbers=(2, 3, 4, 5, 6), drawn=(8,)) + more


def _tenant(each: TenantFigure) -> Sequence[str]:
    used = _used(each)
    limit = max(each.budget, key=each.budget.__getitem__, default="")
    return (
        escape(each.tenant),
        _state(each),
        f"{compact(each.events_s)}/s",
        f"{compact(each.updates_s)}/s",
        amount(each.dead_letters),
        amount(each.refused),
        dollars(each.spend_usd),
        escape(f"{percent(max(0.0, 1 - used))} of {limit} left") if limit else "what all may",
        spent_bar(used) if limit else "",
    )


def _state(each: TenantFigure) -> str:
    if each.held:
        return pill(f"held on {each.held}", "failing")
    return pill("no money left", "degraded") if each.unpaid else pill("ok", "ok")


def _used(each: TenantFigure) -> float:
    return max(each.budget.values(), default=0.0)

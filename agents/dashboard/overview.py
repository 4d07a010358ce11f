"""The top of the page: whether all is well, the figures that matter most, and the last minutes as charts."""

from html import escape
from typing import Final

from agents.dashboard.charts import Curve, Shown, TimeChart
from agents.dashboard.figures import LagFigure
from agents.dashboard.group import GroupView
from agents.dashboard.markup import pill
from agents.dashboard.numbers import amount, compact, dollars, percent, seconds

_SAID: Final = {
    "ok": "All is well.",
    "degraded": "Working, with something missing.",
    "failing": "Working, and somebody should look.",
    "down": "It cannot do its job.",
}
_MOST_PROBLEMS: Final = 12


def state(group: GroupView) -> str:
    """One look says whether it works, and if not, why not."""
    members = len(group.members)
    workers = f"{members} worker{'s' if members != 1 else ''}"
    if group.answered < members:
        workers = f"{group.answered} of {workers} answered"
    problems = "".join(
        f"<li>{pill(each.status, each.status)} <b>{escape(each.name)}</b> {escape(each.reason)}"
        f"{_where(each.instances, members)}</li>"
        for each in group.problems[:_MOST_PROBLEMS]
    )
    more = len(group.problems) - _MOST_PROBLEMS
    rest = f"<li>and {more} more: see /health/detailed of each worker</li>" if more > 0 else ""
    return (
        f'<div class="state {group.status}"><p>{pill(group.status, group.status)} '
        f"<strong>{_SAID[group.status]}</strong> "
        f'<span class="soft">{workers}</span></p>'
        f"{f'<ul>{problems}{rest}</ul>' if problems else ''}</div>"
    )


def tiles(group: GroupView) -> str:
    """The figures one asks for first."""
    reasoning = group.reasoning
    shown = (
        ("Updates", compact(group.mean("updates")), "a second, last minute"),
        ("Behind", compact(lag_records(group.lag)), _lag_note(group)),
        ("Latency", seconds(group.latest("p95")), "95 % of records, end to end"),
        ("Students", compact(group.students), "rows held"),
        ("Explanations owed", compact(reasoning.pending), _owed_note(group)),
        ("Spent", dollars(reasoning.spend_usd), _budget_note(group)),
        ("Dead letters", compact(sum(group.dead_letters.values())), "since the workers started"),
    )
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)} <small>{escape(note)}</small></dd></div>"
        for name, value, note in shown
    )
    return f'<dl class="tiles">{cells}</dl>'


def throughput(group: GroupView) -> str:
    """Records in and updates out."""
    return _chart(
        group, "Throughput", _a_second, ("records in", "records", "first"), ("updates out", "updates", "second")
    )


def latency(group: GroupView) -> str:
    """From a record's timestamp to its confirmed update."""
    return _chart(group, "End-to-end latency", seconds, ("p95", "p95", "first"), ("p50", "p50", "second"))


def behind(group: GroupView) -> str:
    """The lag of the whole group."""
    return _chart(group, "Records behind", compact, ("records behind", "lag", "first"))


def lag_records(lag: LagFigure) -> int | None:
    """Of all partitions for which it is known; None where none is."""
    known = [each.records for each in lag.partitions if each.records is not None]
    return sum(known) if known and lag.problem is None else None


def _chart(group: GroupView, described: str, shown: Shown, *curves: tuple[str, str, str]) -> str:
    drawn = [Curve(name, group.series.get(series, ()), kind) for name, series, kind in curves]
    return TimeChart(described, group.ends_s, drawn, shown).html()


def _a_second(value: float | None) -> str:
    return f"{compact(value)}/s"


def _where(instances: tuple[str, ...], members: int) -> str:
    if members == 1 or not instances:
        return ""
    named = ", ".join(instances[:3]) + (f" and {len(instances) - 3} more" if len(instances) > 3 else "")
    return f' <span class="soft">on {escape(named)}</span>'


def _lag_note(group: GroupView) -> str:
    if group.lag.problem is not None:
        return "unknown: see below"
    known = [each.seconds for each in group.lag.partitions if each.seconds is not None]
    return f"records, {seconds(max(known))} at most" if known else "records"


def _owed_note(group: GroupView) -> str:
    if group.reasoning.mode == "off":
        return "reasoning is off"
    oldest = group.reasoning.oldest_pending_s
    return "nobody waits" if oldest is None else f"the oldest for {seconds(oldest)}"


def _budget_note(group: GroupView) -> str:
    if not group.reasoning.budget:
        return (
            "no limit of money is set"
            if group.reasoning.mode == "openai"
            else f"{amount(group.reasoning.granted)} calls"
        )
    limit, used = max(group.reasoning.budget.items(), key=lambda each: each[1])
    return f"{percent(max(0.0, 1 - used))} of {limit} left"

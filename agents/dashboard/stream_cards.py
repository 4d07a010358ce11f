"""Cards about the stream: partitions, dead letters, workers, sources of evidence."""

from collections.abc import Sequence
from html import escape
from typing import Final

from agents.dashboard.bars import bar
from agents.dashboard.figures import PartitionFigure
from agents.dashboard.group import GroupView, Member
from agents.dashboard.markup import nothing, pill, table
from agents.dashboard.numbers import UNKNOWN, amount, numbers_said, seconds, utc_time

_MOST_PARTITIONS: Final = 8
_LAG_KINDS: Final = {"OK": "ok", "WARN": "degraded"}
_MOST_REASONS: Final = 6


def partitions(group: GroupView) -> str:
    """The lag by partition, the worst first, and of those alike the one with most records."""
    lag = group.lag
    if lag.problem is not None:
        since = "" if lag.age_s is None else f" The last figures were measured {seconds(lag.age_s)} ago."
        return nothing(f"Unknown: {lag.problem}.{since}")
    if not lag.partitions:
        return nothing("No partition has been measured yet.")
    worst = sorted(
        lag.partitions, key=lambda each: (-(each.records or 0), -(each.end or 0), each.topic, each.partition)
    )
    most = max(each.records or 0 for each in worst) or 1
    columns = ("partition", "behind", "compared", "time", "status", "owner")
    rows = [_partition(each, most) for each in worst[:_MOST_PARTITIONS]]
    hidden = len(worst) - len(rows)
    least = "none of them is behind" if not worst[-hidden].records else "none of them is further behind"
    more = nothing(f"{hidden} more, {least}: /metrics has all.") if hidden else ""
    return table("Lag by partition", columns, rows, numbers=(1, 3), drawn=(2,)) + more


def dead_letters(group: GroupView) -> str:
    """How many, why, and where the last ones were."""
    counted = {reason: count for reason, count in group.dead_letters.items() if count}
    if not counted:
        return nothing("None since the workers started.")
    most = max(counted.values())
    by_reason = sorted(counted.items(), key=lambda each: -each[1])
    rows = [(escape(reason), amount(count), bar(count / most, "second")) for reason, count in by_reason[:_MOST_REASONS]]
    last = [
        (
            f"<time>{utc_time(each.at_ms / 1000)}</time>",
            escape(each.reason),
            escape(_position(each.topic, each.partition, each.offset)),
        )
        for each in group.last_dead_letters
    ]
    newest = table("The last dead letters", ("time", "reason", "record"), last) if last else ""
    return table("Dead letters by reason", ("reason", "events", "compared"), rows, numbers=(1,), drawn=(2,)) + newest


def workers(group: GroupView) -> str:
    """Who is there, since when, with which partitions; and who does not answer."""
    columns = ("worker", "state", "partitions", "students", "since", "version")
    return table("Workers", columns, [_worker(each, group.at_s) for each in group.members], numbers=(3,))


def sources(group: GroupView) -> str:
    """What scores rest on, and whether it was there."""
    if not group.sources:
        return nothing("No worker has said which sources it asks.")
    rows = [
        (
            escape(name),
            pill("failed lately" if status != "ok" else "ok", status),
            amount(group.source_failures.get(name, 0)),
        )
        for name, status in group.sources.items()
    ]
    without = group.degraded_updates
    note = nothing(f"{amount(without)} updates were published without a source that had failed.") if without else ""
    return table("Sources of evidence", ("source", "state", "failed batches"), rows, numbers=(2,)) + note


def _partition(each: PartitionFigure, most: int) -> Sequence[str]:
    behind = each.records or 0
    status = each.status or ""
    kind = _LAG_KINDS.get(status, "down")
    held = f' <span class="soft">+{amount(each.held)} in an open transaction</span>' if each.held else ""
    return (
        f"{escape(each.topic)} <b>{each.partition}</b>",
        amount(each.records),
        bar(behind / most, "first") + held,
        seconds(each.seconds),
        pill(status, kind) if status else UNKNOWN,
        escape(each.owner or UNKNOWN),
    )


def _worker(member: Member, at_s: float) -> Sequence[str]:
    figures = member.figures
    shown = pill(figures.status, figures.status) if figures else pill("no answer", "down")
    name = escape(member.instance)
    since = UNKNOWN if member.since_s is None else seconds(max(0.0, at_s - member.since_s))
    return (
        f'<a href="{escape(member.url)}">{name}</a>' if member.url.startswith(("http://", "https://")) else name,
        shown,
        escape(numbers_said(member.partitions)),
        amount(figures.students) if figures else UNKNOWN,
        since,
        escape(member.version or UNKNOWN),
    )


def _position(topic: str, partition: int, offset: int) -> str:
    return f"{topic}/{partition} @ {offset}"

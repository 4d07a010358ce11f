"""The lag as people read it: within 80 columns on a terminal that has no more."""

from collections import Counter
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.display.duration import duration
from agents.display.plain import printable
from agents.health.lag import Lag
from agents.health.lag.status import LagStatus
from agents.kafka.group_members import GroupMember
from agents.kafka.offsets import SourcePartition

_STYLES: Final[dict[LagStatus, str]] = {"OK": "green", "WARN": "yellow"}
_BAD: Final = "bold red"
_NONE: Final = "-"
_LEAST_OWNER_CHARS: Final = 12
_COLUMNS: Final = ("partition", "committed", "end", "lag", "waits", "status")


def lag_page(group: str, lag: Lag, width: int) -> RenderableType:
    """All partitions under a line that says it all: topic by topic, the one that is furthest behind first."""
    head = Text.assemble(f"group {group}: ", Text(lag_line(lag), style=_style(lag.status)))
    if lag.problem is not None:
        return head
    tables: list[RenderableType] = [head]
    behind = Counter({topic: 0 for topic, _ in sorted(lag.offsets)})
    for (topic, _), records in lag.records.items():
        behind[topic] += records
    for topic, _ in behind.most_common():
        tables += [Text(), Text(topic, style="bold"), _table(lag, topic, width)]
    if lag.group is not None and lag.group.state == "Dead":
        tables.append(Text("\nThe broker knows no such group: no worker with this app_id ever committed, or long ago."))
    if lag.status is None:
        tables.append(Text("\nA status needs several looks: --for 60, or --watch."))
    return Group(*tables)


def lag_line(lag: Lag) -> str:
    """The whole of it in a line."""
    if lag.problem is not None:
        return f"unknown: {printable(lag.problem)}"
    said = [f"{lag.total_records:,} records", f"{duration(lag.longest_s)} behind"]
    if lag.growth_per_s is not None and lag.total_records:
        said.append(f"{lag.growth_per_s:+,.0f} records/s")
    if lag.group is not None:
        members = len(lag.group.members)
        said.append(f"{lag.group.state}, {members} member{'' if members == 1 else 's'}")
    if held := sum(each.records for each in lag.held.values()):
        said.append(f"{held:,} wait for an open transaction")
    if unknown := len(lag.offsets) - len(lag.records):
        said.append(f"more is committed than there is on {unknown} partitions")
    return f"{lag.status or 'status unknown'}, {', '.join(said)}"


def _table(lag: Lag, topic: str, width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "status" else "right", no_wrap=True)
    table.add_column("owner", no_wrap=True)
    of_topic = [part for part in sorted(lag.offsets) if part[0] == topic]
    rows = [_row(lag, part) for part in of_topic]
    widths = (max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True))
    owner_chars = max(_LEAST_OWNER_CHARS, width - sum(widths) - len(_COLUMNS))
    for part, (*numbers, status) in zip(of_topic, rows, strict=True):
        owner = lag.group.owners.get(part) if lag.group is not None else None
        table.add_row(*numbers, Text(status, style=_style(lag.statuses.get(part))), _owner(owner, owner_chars))
    return table


def _row(lag: Lag, part: SourcePartition) -> tuple[str, ...]:
    at, records = lag.offsets[part], lag.records.get(part)
    return (
        str(part[1]),
        _NONE if at.committed is None else str(at.committed),
        str(at.end),
        _NONE if records is None else f"{records:,}",
        duration(lag.seconds.get(part)) if records else _NONE,
        lag.statuses.get(part) or _NONE,
    )


def _style(status: LagStatus | None) -> str:
    return "" if status is None else _STYLES.get(status, _BAD)


def _owner(owner: GroupMember | None, most_chars: int) -> str:
    """The end of the name tells workers apart: it is what stays where there is no room."""
    if owner is None:
        return _NONE
    name = printable(f"{owner.client_id} {owner.host}")
    if len(name) > most_chars:
        name = printable(owner.client_id)
    return name if len(name) <= most_chars else f"…{name[1 - most_chars :]}"

"""`skillstream capacity`: partitions, workers, memory, disk, recovery and calls for a demand."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.table import Table

from agents.cli.console import stdout
from agents.cli.parameters import CountList, Number

if TYPE_CHECKING:
    from agents.operations.capacity.plan import CapacityPlan

_GB, _MB = 1e9, 1e6


@click.command(name="capacity")
@click.option("--students", required=True, type=CountList(), metavar="N[,N…]", help="Students in the table.")
@click.option(
    "--events-per-s", required=True, type=CountList(), metavar="N[,N…]", help="Events in the busiest second, by each N."
)
@click.option("--mean-share", default=0.2, show_default=True, type=Number(0, 1), help="The mean rate, of the busiest.")
@click.option(
    "--event-bytes", default=189, show_default=True, type=click.IntRange(1), help="Of an event on the broker."
)
@click.option("--events-per-student", default=60, show_default=True, type=click.IntRange(1), help="So far, in all.")
@click.option("--dialect", default="native", show_default=True, type=click.Choice(["native", "xapi", "caliper"]))
@click.option("--text-share", default=0.0, show_default=True, type=Number(0, 1), help="Of events that hold a text.")
@click.option("--retention-days", default=7.0, show_default=True, type=Number(min=0.001), help="Of student-activity.")
@click.option("--replication", default=3, show_default=True, type=click.IntRange(1, 10), help="Copies of each topic.")
@click.option("--store", default="memory", show_default=True, type=click.Choice(["memory", "rocksdb"]))
@click.option("--workers", default=0, type=click.IntRange(0), help="Judge this many.  [default: as many as needed]")
@click.option("--partitions", default=0, type=click.IntRange(0), help="Judge this many.  [default: two a worker]")
@click.option(
    "--utilisation", default=0.6, show_default=True, type=Number(0.05, 0.95), help="Of a core, that events may need."
)
@click.option("--memory-gb", default=4.0, show_default=True, type=Number(min=0.5), help="That a worker may take.")
@click.option("--recovery-s", default=120.0, show_default=True, type=Number(min=5), help="That a restart may take.")
@click.option("--calls-per-hour", default=500, show_default=True, type=click.IntRange(0), help="To a model.")
@click.option("--explain-days", default=7.0, show_default=True, type=Number(min=0.01), help="Each student once in.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def command(
    students: tuple[int, ...], events_per_s: tuple[int, ...], mean_share: float, as_json: bool, **given: Any
) -> None:
    """Say how many partitions and workers, how much memory and disk a deployment takes.

    From what one worker was measured to cost; several numbers of students and events are compared in one table. Asks
    nobody and changes nothing. How far off it is: docs/scaling.md.
    """
    from agents.operations.capacity.demand import Demand
    from agents.operations.capacity.plan import plan

    if len(students) != len(events_per_s):
        raise click.UsageError(f"{len(students)} --students, but {len(events_per_s)} --events-per-s: as many of each")
    demands = [
        Demand(students=count, events_per_s=rate, mean_events_per_s=rate * mean_share, **given)
        for count, rate in zip(students, events_per_s, strict=True)
    ]
    plans = [plan(demand) for demand in demands]
    if as_json:
        for each in plans:
            click.echo(orjson.dumps(asdict(each)))
    elif len(plans) > 1:
        stdout.print(_compared(plans))
    else:
        _show(plans[0])


def _compared(plans: "list[CapacityPlan]") -> Table:
    titles = ("students", "events/s", "workers", "parts", "bound", "RAM GB", "disk GB", "restart", "calls/h")
    table = Table(*titles, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.justify = "right"
    for each in plans:
        table.add_row(
            _short(each.demand.students),
            _short(each.demand.events_per_s),
            f"{each.workers:,}",
            f"{each.partitions:,}",
            each.bound_by,
            f"{each.memory_bytes / _GB:.1f}",
            f"{each.disk_bytes / _GB:,.0f}",
            f"{each.recovery_s:,.0f} s",
            f"{each.explained.calls_per_hour_wanted:,.0f}",
        )
    return table


def _short(count: float) -> str:
    """1,500 as it is, 20,000 as 20 k, ten million as 10 M."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if count >= size and not count % size:
            return f"{count / size:,.0f} {unit}"
    return f"{count:,.0f}"


def _show(found: "CapacityPlan") -> None:
    worker, explained = found.worker, found.explained
    lines = {
        "workers": f"{found.workers:,} (bound by: {found.bound_by})",
        "partitions": f"{found.partitions:,}, of every topic",
        "a worker": f"{worker.events_per_s:,.0f} events/s, {worker.busy:.0%} of a core, {worker.work:.0%} by events",
        "its memory": f"{found.memory_bytes / _MB:,.0f} MB expected; limit it to half as much again",
        "its restart": f"{found.recovery_s:,.0f} s, {found.restored_rows:,.0f} rows read",
        "brokers": f"{found.written_bytes_per_s / _MB:,.2f} MB/s written, before replication",
    }
    _print(lines)
    disk = {topic.topic: f"{topic.size_bytes / _GB:,.2f} GB: {topic.why}" for topic in found.disk}
    _print(disk | {"disk in all": f"{found.disk_bytes / _GB:,.2f} GB, {found.demand.replication} copies of each"})
    _print(
        {
            "calls": f"{explained.calls_per_day:,.0f} a day: each student in {explained.days_for_all:,.1f} days, "
            f"{explained.usd_per_month:,.0f} USD a month",
            "wanted": f"{explained.calls_per_hour_wanted:,.0f} an hour for each in {found.demand.explain_days:g} days, "
            f"{explained.usd_per_month_wanted:,.0f} USD a month",
        }
    )
    for note in found.notes:
        stdout.print(f"note: {note}", markup=False, soft_wrap=True)


def _print(lines: dict[str, str]) -> None:
    for name, said in lines.items():
        stdout.print(f"{name:18} {said}", markup=False, soft_wrap=True)
    stdout.print()

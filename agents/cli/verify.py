"""`skillstream verify`: is every event in the table, once, and in the updates?"""

import sys
from pathlib import Path

import click
import orjson
from rich.table import Table
from rich.text import Text

from agents.cli.broker_settings import load_broker_settings
from agents.cli.console import stdout
from agents.cli.options import broker_option, config_option
from agents.cli.outcome import CHECK_FAILED
from agents.cli.parameters import Number
from agents.cli.progress import Headway
from agents.display.plain import printable
from streams.verification.report import VerificationReport

_SHOWN_DIFFERENCES = 20
_MIB = 1024 * 1024


@click.command(name="verify")
@config_option
@broker_option
@click.option(
    "--wait",
    "wait_s",
    default=0.0,
    metavar="SECONDS",
    type=Number(min=0),
    help="Wait so long for the workers to catch up.",
)
@click.option(
    "--memory-mb",
    default=1024.0,
    show_default=True,
    type=Number(min=0.1),
    help="For students' rows; what needs more is done in more passes.",
)
@click.option(
    "--checkpoint",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Go on where a run was interrupted that named the same FILE: it is written after each partition.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on the last line.")
def command(
    config: str | None, broker: str | None, wait_s: float, memory_mb: float, checkpoint: Path | None, as_json: bool
) -> None:
    """Check that the workers' results are exact.

    Folds the input topic again, offline, and compares with the table, the last skill updates and explanations, and
    the dead letters. Settings are the workers'. Changes nothing. Exit code 1: something differs, or could not be
    judged.
    """
    settings = load_broker_settings(config, broker)
    from agents.operations.verify import Verification

    with Headway("reading records", None, quiet=as_json) as progress:
        report = Verification(
            settings,
            memory_bytes=int(memory_mb * _MIB),
            wait_s=wait_s,
            tell=progress.tell,
            checkpoint=checkpoint,
        ).run()
    if as_json:
        click.echo(orjson.dumps(report.as_json()))
    else:
        _show(report)
    if not report.ok:
        sys.exit(CHECK_FAILED)


def _show(report: VerificationReport) -> None:
    said = report.as_json()
    stdout.print("Where every event went", style="italic")
    table = Table(show_header=False)
    for name in ("records", "events_in", "applied", "late", "ignored", "duplicates", "dead_lettered", "rerouted"):
        table.add_row(name.replace("_", " "), Text(f"{said[name]:,}", justify="right"))
    stdout.print(table)
    stdout.print("What differs", style="italic")
    table = Table(show_header=False)
    for name in ("students", "not_judged", "lost", "double_applied", "stale_rows", "unaccounted"):
        style = "bold red" if said[name] and name not in ("students", "not_judged") else ""
        table.add_row(name.replace("_", " "), Text(f"{said[name]:,}", style=style, justify="right"))
    stdout.print(table)
    for each in report.differences[:_SHOWN_DIFFERENCES]:
        known = [f"{name} {at}" for name, at in (("partition", each.partition), ("offset", each.offset)) if at >= 0]
        where = f" ({', '.join(known)})" if known else ""
        line = printable(f"{each.kind}: {each.student or '-'}{where}: {each.what}")
        stdout.print(line, markup=False, soft_wrap=True)
    left = report.kinds.total() - min(len(report.differences), _SHOWN_DIFFERENCES)
    if left:
        stdout.print(f"… and {left} more")
    if (norms := report.norms).snapshot:
        compared = ", ".join(f"{getattr(norms, table):,} {table}" for table in ("items", "components", "cohorts"))
        stdout.print(f"norms {norms.snapshot}: compared {compared}; not judged {norms.not_judged:,}")
    if (erasures := report.erasures).students:
        undone = f"no worker has read {erasures.waiting:,} of them, and {erasures.not_done:,} were not carried out"
        stdout.print(f"students who asked to be erased: {erasures.students:,}; {undone}", soft_wrap=True)
    if (tenants := report.tenants) is not None:
        records = (
            f"{tenants.proved:,} prove their tenant, {tenants.not_proved:,} fail to, {tenants.unsigned:,} do not try"
        )
        stdout.print(f"records: {records}", soft_wrap=True)
        refused = f"{tenants.foreign_students:,} speak of another tenant's students, {tenants.held:,} were held"
        stdout.print(f"of these {refused}; holds: {tenants.hold_count:,}, of which {tenants.standing:,} stand")
    for note in report.all_notes:
        stdout.print(printable(note), markup=False, soft_wrap=True)
    if report.ok:
        stdout.print("exact: every event is accounted for")
    elif not report.kinds:
        stdout.print("incomplete: nothing differs among what could be judged")

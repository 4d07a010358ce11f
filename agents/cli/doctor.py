"""`skillstream doctor`: would a worker start, and what should be known before?"""

import os
import sys
from collections.abc import Iterable
from typing import Final

import click
import orjson
from rich.table import Table
from rich.text import Text

from agents.cli.console import stderr, stdout
from agents.cli.options import broker_option, config_option
from agents.cli.parameters import Number
from agents.operations.doctor.check import CheckResult, Finding, FindingStatus, exit_code, run_checks

_STYLES: Final[dict[FindingStatus, str]] = {"ok": "green", "warning": "yellow", "problem": "bold red"}


@click.command(name="doctor")
@config_option
@broker_option
@click.option(
    "--timeout",
    "timeout_s",
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    type=Number(min=1, max=3600),
    help="How long all checks may take, side by side.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(config: str | None, broker: str | None, timeout_s: float, as_json: bool) -> None:
    """Check whether a worker would start here, now, with these settings, and what may trouble it later.

    Changes nothing, spends no call. Exit code 0: it would start, be there warnings or not; 1: it would not;
    3: it would not as long as Kafka or Redis is unreachable. Beside a running worker of the same settings, a second one
    would find its port, and its store's folder, taken.
    """
    with stderr.status("asking"):
        from agents.operations.doctor.checks import checks

        examined = list(run_checks(checks(os.environ, config, broker, timeout_s), timeout_s))
    code = exit_code([finding for each in examined for finding in each.findings])
    if as_json:
        found = [finding.as_json(each.name) for each in examined for finding in each.findings]
        click.echo(orjson.dumps({"would_start": code == 0, "findings": found}))
    elif stdout.is_terminal:
        stdout.print(_table(examined))
    else:
        for each in examined:
            for finding in each.findings:
                click.echo(_line(each.name, finding))
    sys.stdout.flush()
    sys.exit(code)


def _line(name: str, finding: Finding) -> str:
    said = f"{finding.status}: {name}: {finding.said}"
    return f"{said.removesuffix('.')}. What to do: {finding.advice}" if finding.advice else said


def _table(examined: Iterable[CheckResult]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in examined:
        for finding in each.findings:
            text = Text(finding.said)
            if finding.advice:
                text.append(f"\n→ {finding.advice}", style="bold")
            table.add_row(Text(finding.status, style=_STYLES[finding.status]), each.name, text)
    return table

"""`skillstream norms`: what is usual, as workers made it of the stream."""

from typing import Final

import click
import orjson

from agents.cli.broker_settings import load_broker_settings
from agents.cli.console import print_prose
from agents.cli.fitted_table import print_fitted
from agents.cli.group import CommandGroup
from agents.cli.norms_page import history_row, norms_table, snapshots_table
from agents.cli.options import broker_option, config_option
from agents.display.plain import printable
from agents.norms.stored import StoredNorms
from agents.operations.norms import ODDITIES, known_since_us, shown_items, shown_norms, students_of
from streams.norms.snapshot import NormSnapshot

_SHOWN: Final = 50
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


@click.group(name="norms", cls=CommandGroup)
def command() -> None:
    """See what is usual: of items, components and cohorts, of 10 students at least."""


@command.command(name="show")
@click.argument("version", required=False)
@config_option
@broker_option
@click.option("--items", "kind", flag_value="items", default="items", help="Items, the odd ones first (default).")
@click.option("--components", "kind", flag_value="components", help="Knowledge components.")
@click.option("--cohorts", "kind", flag_value="cohorts", help="Cohorts.")
@click.option(
    "--odd",
    type=click.Choice([each.replace(" ", "-") for each in ODDITIES]),
    help="Items alone of which that is odd.",
)
@click.option("--all", "is_all", is_flag=True, help=f"All of them, not {_SHOWN}.")
@_json
def show_norms(
    version: str | None,
    config: str | None,
    broker: str | None,
    kind: str,
    odd: str | None,
    is_all: bool,
    as_json: bool,
) -> None:
    """Show the norms of VERSION, which updates name; without it, the newest."""
    stored = StoredNorms(load_broker_settings(config, broker))
    snapshot = _find(stored, version)
    known_us = known_since_us(stored.snapshots(), kind)
    lines = list(shown_items(snapshot, known_us) if kind == "items" else shown_norms(snapshot, kind, known_us))
    if odd:
        lines = [each for each in lines if odd.replace("-", " ") in each.odd]
    shown = lines if is_all or as_json else lines[:_SHOWN]
    if as_json:
        for line in shown:
            click.echo(orjson.dumps(line._asdict()))
        return
    print_prose(f"norms_version {snapshot.version}, number {snapshot.number}: {len(lines)} {kind}")
    print_fitted(norms_table(shown))
    if len(shown) < len(lines):
        print_prose(f"{len(lines) - len(shown)} more: --all")


@command.command(name="history")
@config_option
@broker_option
@_json
def list_snapshots(config: str | None, broker: str | None, as_json: bool) -> None:
    """List the snapshots that are kept, the oldest first."""
    stored = StoredNorms(load_broker_settings(config, broker))
    students = {snapshot.version: students_of(snapshot) for snapshot in stored.snapshots()}
    rows = [history_row(each, students.get(each.manifest.norms_version)) for each in stored.written]
    if as_json:
        for row in rows:
            click.echo(orjson.dumps(row))
    else:
        print_fitted(snapshots_table(rows))


def _find(stored: StoredNorms, version: str | None) -> NormSnapshot:
    if version is None:
        newest, _ = stored.newest()
        if newest is None:
            raise click.UsageError("there are no norms yet")
        return newest
    found = stored.find(version)
    if found is None:
        raise click.UsageError(printable(f"there are no norms {version}"))
    return found.snapshot

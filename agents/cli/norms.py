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
from agents.operations.norms import ShownNorm, shown_items, shown_norms
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
@click.option("--all", "is_all", is_flag=True, help=f"All of them, not {_SHOWN}.")
@_json
def show_norms(
    version: str | None, config: str | None, broker: str | None, kind: str, is_all: bool, as_json: bool
) -> None:
    """Show the norms of VERSION, which updates name; without it, the newest."""
    snapshot = _find(StoredNorms(load_broker_settings(config, broker)), version)
    lines = _lines(snapshot, kind)
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
    written = StoredNorms(load_broker_settings(config, broker)).written
    if as_json:
        for each in written:
            click.echo(orjson.dumps(history_row(each)))
    else:
        print_fitted(snapshots_table(written))


def _find(stored: StoredNorms, version: str | None) -> NormSnapshot:
    newest = [each.manifest.norms_version for each in stored.written][-1:]
    found = stored.find(version or "".join(newest))
    if found is None:
        raise click.UsageError(printable(f"there are no norms {version}") if version else "there are no norms yet")
    return found.snapshot


def _lines(snapshot: NormSnapshot, kind: str) -> list[ShownNorm]:
    return list(shown_items(snapshot) if kind == "items" else shown_norms(snapshot, kind))

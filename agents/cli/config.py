"""`skillstream config`: see and change weights and thresholds while workers run."""

import math
import re
from pathlib import Path
from typing import Any, Final

import click
import orjson

from agents.audit.commands import audited
from agents.cli.broker_settings import load_broker_settings
from agents.cli.config_page import differences, history_of, history_table, numbers_of, state_of, state_table
from agents.cli.console import print_prose
from agents.cli.fitted_table import print_fitted
from agents.cli.group import CommandGroup
from agents.cli.options import broker_option, config_option, reason_option
from agents.cli.override_file import read_overrides
from agents.display.plain import printable
from agents.fusion_config.deployed import DeployedConfig
from schemas.configuration.document import read_document
from schemas.fusion_config import Overrides
from streams.scoring.overrides import NO_OVERRIDES, merged, version_of

_CHANGE: Final = re.compile(r"([^=\s]+)=(\S+)")


class _Change(click.ParamType):
    """A name of these parts, and a number. What may be named is found out when all changes are put together."""

    def __init__(self, *parts: str) -> None:
        self.name = f"{'.'.join(parts)}=NUMBER"
        self._parts = len(parts)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[list[str], float]:
        """The name's parts, and the number."""
        found = _CHANGE.fullmatch(str(value))
        path = found[1].split(".") if found else []
        try:
            number = float(found[2]) if found else math.nan
        except ValueError:
            number = math.nan
        if len(path) != self._parts or not all(path) or not math.isfinite(number):
            self.fail(f"{str(value)[:60]!r} is not {self.name}.", param, ctx)
        return path, number


@click.group(name="config", cls=CommandGroup)
def command() -> None:
    """See and change weights and thresholds while workers run."""


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@command.command(name="show")
@config_option
@broker_option
@_json
def show_config(config: str | None, broker: str | None, as_json: bool) -> None:
    """Show what workers score with, and where it differs from the skills file and the artifact."""
    state = state_of(DeployedConfig(load_broker_settings(config, broker)))
    if as_json:
        click.echo(orjson.dumps(state))
        return
    print_prose(f"config_version {state['config_version']}")
    if state["offset"] is not None:
        because = f", because: {state['reason']}" if state["reason"] else ""
        said = f"written at offset {state['offset']}, {state['written']}{because}"
        print_prose(printable(said))
    if state["refused"]:
        print_prose(printable(f"the newest is not in force: {state['refused']}"))
    print_fitted(state_table(state))


@command.command()
@config_option
@broker_option
@_json
def history(config: str | None, broker: str | None, as_json: bool) -> None:
    """List what was written to fusion-config, the oldest first; of each configuration compaction keeps the last."""
    records = history_of(DeployedConfig(load_broker_settings(config, broker)))
    if as_json:
        for record in records:
            click.echo(orjson.dumps(record))
    else:
        print_fitted(history_table(records))


@command.command(name="set")
@config_option
@broker_option
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--weight", "weights", type=_Change("SKILL", "SOURCE"), multiple=True, help="A weight.")
@click.option("--level", "levels", type=_Change("NAME"), multiple=True, help="A score threshold.")
@click.option("--fusion", type=_Change("NAME"), multiple=True, help="Of [fusion], as kappa.")
@click.option("--clear", is_flag=True, help="Begin with the skills file and the artifact, not with what is in force.")
@reason_option
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def set_config(
    config: str | None,
    broker: str | None,
    file: Path | None,
    weights: tuple[tuple[list[str], float], ...],
    levels: tuple[tuple[list[str], float], ...],
    fusion: tuple[tuple[list[str], float], ...],
    clear: bool,
    reason: str,
    dry_run: bool,
) -> None:
    """Change weights and thresholds: those named here, or all that FILE (TOML) overrides, and nothing else.

    What workers would refuse is not written. They put it in force within seconds; it applies at a student's next event.
    """
    changes = _changes(weights=weights, levels=levels, fusion=fusion)
    if not (clear or file or version_of(changes)):
        raise click.UsageError("say what to change: FILE, --weight, --level, --fusion or --clear")
    of_file = read_overrides(file) if file is not None else NO_OVERRIDES
    settings = load_broker_settings(config, broker)
    deployed = DeployedConfig(settings)
    wanted = merged(of_file if clear or file is not None else deployed.overrides, changes)
    before, after = deployed.configured(deployed.overrides), deployed.configured(wanted)
    for line in differences(numbers_of(before), numbers_of(after)):
        click.echo(line)
    for skill in deployed.without_score(wanted):
        said = f"weights.{skill} move nothing: no model is fitted to it here, so it is shown as a profile"
        click.echo(said, err=True)
    click.echo(f"config_version: {deployed.config_version(deployed.overrides)} → {deployed.config_version(wanted)}")
    if version_of(wanted) == version_of(deployed.overrides) and deployed.refused is None:
        click.echo("That is in force already: nothing was written.")
    elif dry_run:
        click.echo("Nothing was written.")
    else:
        with audited(settings, "set_config", detail=f"config_version {deployed.config_version(wanted)}"):
            deployed.write(wanted, reason)
        click.echo("Written. Workers put it in force within seconds; it applies at a student's next event.")


def _changes(**given: tuple[tuple[list[str], float], ...]) -> Overrides:
    document: dict[str, dict[str, Any]] = {}
    for field, changes in given.items():
        for path, number in changes:
            table: dict[str, Any] = document.setdefault(field, {})
            for name in path[:-1]:
                table = table.setdefault(name, {})
            table[path[-1]] = number
    try:
        return read_document(document, Overrides)
    except ValueError as error:
        raise click.UsageError(str(error)) from None

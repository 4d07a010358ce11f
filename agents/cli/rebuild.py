"""`skillstream rebuild`: fold the table anew from the input topic, where its changelog was lost."""

import os

import click

from agents.audit.commands import audited
from agents.cli.options import broker_option, config_option
from agents.config.settings import load_settings
from agents.delivery.deployment import changelog_of
from agents.operations.repair import Diagnosis, Repair


@click.command(name="rebuild")
@config_option
@broker_option
@click.option("--rewind", is_flag=True, help="Keep the table; only read again what it lacks at its end.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(config: str | None, broker: str | None, rewind: bool, yes: bool) -> None:
    """Drop the table and fold the input topic anew, from its start. All workers must be stopped.

    With --rewind nothing is dropped: where only the table's newest rows were lost, the group is set back to
    the last record that the table still knows.
    """
    settings = load_settings(os.environ, config, broker=broker)
    repair = Repair(settings, changelog_of(settings))
    seen = repair.diagnose(tolerant=not rewind)
    for partition, finding in seen.findings.items():
        click.echo(f"{repair.topic}/{partition}: {finding.problem}.")
    if rewind:
        with audited(settings, "rebuild", detail="rewind"):
            offsets = repair.rewind(seen)
        click.echo(f"{offsets} offsets will be read again. Start the workers.")
        return
    _say_what_is_lost(repair, seen)
    if not yes:
        click.confirm("Drop the table?", abort=True)
    with audited(settings, "rebuild"):
        epoch = repair.rebuild(seen)
    click.echo(f"Start the workers: they fold {repair.topic} from its start, under epoch {epoch}.")


def _say_what_is_lost(repair: Repair, seen: Diagnosis) -> None:
    click.echo(f"The table's {seen.rows} rows will be dropped, and {seen.records} records of the input folded again.")
    if not seen.removed:
        click.echo(f"{repair.topic} still begins at offset 0: nothing is lost.")
        return
    click.echo("Retention has removed the start of the input. What only these records said of students is LOST:")
    for partition, offsets in sorted(seen.removed.items()):
        click.echo(f"  {repair.topic}/{partition}: the first {offsets} offsets")

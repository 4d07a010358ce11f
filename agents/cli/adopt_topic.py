"""`skillstream adopt-topic`: go on with an input topic that was deleted and created again."""

import os

import click

from agents.audit.commands import audited
from agents.cli.options import broker_option, config_option
from agents.config.settings import load_settings
from agents.delivery.deployment import changelog_of
from agents.operations.repair import Repair


@click.command(name="adopt-topic")
@config_option
@broker_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(config: str | None, broker: str | None, yes: bool) -> None:
    """Go on with an input topic that was deleted and created again. All workers must be stopped.

    Students keep what is known of them, and every record of the new topic is folded on top of it, from its
    beginning. The table's epoch is raised, so that offsets of the two topics are never compared.
    """
    settings = load_settings(os.environ, config, broker=broker)
    repair = Repair(settings, changelog_of(settings))
    seen = repair.diagnose()
    for partition, finding in seen.findings.items():
        click.echo(f"{repair.topic}/{partition}: {finding.problem}.")
    if seen.findings and not yes:
        click.confirm(f"Fold its {seen.records} records on top of {seen.rows} students' rows?", abort=True)
    with audited(settings, "adopt_topic"):
        epoch = repair.adopt(seen)
    click.echo(f"Adopted {repair.topic}, epoch {epoch}. Start the workers: they take the epoch from the table.")

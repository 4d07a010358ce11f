"""`skillstream tenants`: who shares the deployment."""

import os
import secrets
import sys
from typing import Final

import click
from rich.table import Table

from agents.cli.broker_settings import load_broker_settings
from agents.cli.fitted_table import print_fitted
from agents.cli.group import CommandGroup
from agents.cli.options import broker_option, config_option
from agents.cli.outcome import CHECK_FAILED
from agents.config.channels import Channels
from agents.config.settings import load_settings
from agents.config.tenants import Tenants, hash_of
from agents.display.plain import plain
from agents.kafka.input_topic import InputTopic
from agents.tenants.topic import HoldTopic, release_record
from streams.input.tenant_hold import HoldLog

_KEY_BYTES: Final = 32


@click.group(name="tenants", cls=CommandGroup)
def command() -> None:
    """See who shares the deployment (SKILLSTREAM_TENANTS, docs/tenants.md)."""


@command.command(name="list")
@config_option
def list_tenants(config: str | None) -> None:
    """List the tenants, how the ids of their students begin, and what they may spend. A mistake in the file is named,
    with exit code 2.
    """
    tenants = Tenants.of(load_settings(os.environ, config, reasoning="off"))
    if not tenants:
        click.echo("No tenants: SKILLSTREAM_TENANTS is not set, and all is one tenant's.")
        return
    table = Table("tenant", "students", "may spend")
    for tenant in tenants.by_name.values():
        budget = ", ".join(f"{name} = {most:g}" for name, most in tenants.budgets[tenant.name].limits().items())
        table.add_row(tenant.name, tenant.students or "any", budget or "what all may")
    print_fitted(table)


@command.command()
@config_option
@broker_option
def held(config: str | None, broker: str | None) -> None:
    """List what is held of whom. Exit code 1: somebody is held."""
    _, log = _hold_log(config, broker)
    if not log.standing:
        click.echo("No tenant is held.")
        return
    table = Table("tenant", "partition", "from offset")
    for hold in sorted(log.standing, key=lambda each: (each.tenant, each.partition)):
        table.add_row(hold.tenant, str(hold.partition), str(hold.start))
    print_fitted(table)
    sys.exit(CHECK_FAILED)


@command.command(name="release")
@config_option
@broker_option
@click.argument("tenant")
def release_tenant(config: str | None, broker: str | None, tenant: str) -> None:
    """Work on what a tenant writes from now on. What it wrote while it was held stays a dead letter, to be replayed."""
    topic, log = _hold_log(config, broker)
    partitions = sorted(hold.partition for hold in log.standing if hold.tenant == tenant)
    if not partitions:
        click.echo(f"{plain(tenant)} is not held: nothing was written.")
        return
    topic.write(release_record(tenant))
    click.echo(
        f"Written, of partitions {', '.join(map(str, partitions))}. Workers release {tenant} within seconds. When its "
        "producer is mended: skillstream dead-letters replay --reason tenant_held"
    )


def _hold_log(config: str | None, broker: str | None) -> tuple[HoldTopic, HoldLog]:
    settings = load_broker_settings(config, broker)
    if settings.tenants is None:
        raise click.UsageError("SKILLSTREAM_TENANTS is not set: there are no tenants")
    topic = HoldTopic(settings)
    input_topic = InputTopic(settings.broker, settings.app_id, Channels.of(settings).activity, settings.start_timeout_s)
    return topic, topic.read(input_topic.describe().topic_id)


@command.command()
def key() -> None:
    """Make a key or token, and its hash for the file. It is stored nowhere."""
    made = secrets.token_urlsafe(_KEY_BYTES)
    click.echo(f"{made}\n{hash_of(made)}")

"""`skillstream tenants`: who shares the deployment."""

import os
import secrets
from typing import Final

import click
from rich.table import Table

from agents.cli.fitted_table import print_fitted
from agents.cli.group import CommandGroup
from agents.cli.options import config_option
from agents.config.settings import load_settings
from agents.config.tenants import Tenants, hash_of

_KEY_BYTES: Final = 32


@click.group(name="tenants", cls=CommandGroup)
def command() -> None:
    """See who shares the deployment (SKILLSTREAM_TENANTS, docs/tenants.md)."""


@command.command(name="list")
@config_option
def list_tenants(config: str | None) -> None:
    """List the tenants, and how the ids of their students begin. A mistake in the file is named, with exit code 2."""
    tenants = Tenants.of(load_settings(os.environ, config, reasoning="off"))
    if not tenants:
        click.echo("No tenants: SKILLSTREAM_TENANTS is not set, and all is one tenant's.")
        return
    table = Table("tenant", "students")
    for tenant in tenants.by_name.values():
        table.add_row(tenant.name, tenant.students or "any")
    print_fitted(table)


@command.command()
def key() -> None:
    """Make a key or token, and its hash for the file. It is stored nowhere."""
    made = secrets.token_urlsafe(_KEY_BYTES)
    click.echo(f"{made}\n{hash_of(made)}")

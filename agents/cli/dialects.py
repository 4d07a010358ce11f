"""`skillstream dialects`: what may be sent, and what becomes of it."""

import sys
from pathlib import Path

import click

from agents.cli.console import stderr
from agents.cli.dialects_page import page
from agents.cli.outcome import CHECK_FAILED, OutOfReach


@click.command(name="dialects")
@click.option("--check", metavar="FILE", type=click.Path(path_type=Path), help="Only say whether FILE is this page.")
def command(check: Path | None) -> None:
    """Print the tables of verbs, actions and attributes as a page (docs/dialects.md).

    Exit code 1: with --check, FILE says something else.
    """
    if check is None:
        click.echo(page(), nl=False)
        return
    try:
        said = check.read_text("utf-8")
    except OSError as error:
        raise OutOfReach(f"{check}: {error.strerror}") from None
    if said != page():
        stderr.print(f"{check} is not what the tables say: skillstream dialects > {check}", markup=False)
        sys.exit(CHECK_FAILED)

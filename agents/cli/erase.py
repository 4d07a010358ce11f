"""`skillstream erase`: a student is forgotten, and a receipt says what was done and what remains."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec import UNSET
from rich.table import Table

from agents.audit.commands import audited
from agents.cli.broker_settings import load_broker_settings
from agents.cli.explain import checked_student
from agents.cli.fitted_table import print_fitted
from agents.cli.options import broker_option, config_option
from agents.cli.receipt_check import check_as_anybody, check_here, print_public_key
from agents.display.plain import printable
from agents.operations.erase.exports import Exported, exports_of
from agents.operations.erase.holdings import Holdings, Remains
from agents.operations.erase.receipt import Receipt, encode_receipt
from agents.operations.erase.request import erase
from agents.operations.identities import keys_of_student
from schemas.audit import MOST_ABOUT


def _checked_students(context: click.Context, parameter: click.Parameter, students: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(checked_student(context, parameter, student) for student in dict.fromkeys(students))


@click.command(name="erase")
@click.argument("students", metavar="STUDENT...", nargs=-1, callback=_checked_students)
@config_option
@broker_option
@click.option("--dry-run", is_flag=True, help="Only say what would remain, where and until when.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", "wait_s", default=60.0, show_default=True, help="For a worker to carry it out, in seconds.")
@click.option("--receipt", type=click.Path(dir_okay=False, path_type=Path), help="Write the receipt to this file.")
@click.option("--check", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Check a receipt.")
@click.option(
    "--signed-by", metavar="KEY", multiple=True, help="With --check: the public key that must have signed it."
)
@click.option("--public-key", "show_key", is_flag=True, help="Print the key by which others can check receipts.")
def command(
    students: tuple[str, ...],
    config: str | None,
    broker: str | None,
    dry_run: bool,
    wait_s: float,
    yes: bool,
    receipt: Path | None,
    check: Path | None,
    signed_by: tuple[str, ...],
    show_key: bool,
) -> None:
    """Erase a student, by the key of the events, and wait until a worker has done it; several keys are one
    person's, and so are those that the topic `identities` gives to the same student.

    The receipt is JSON: what was done, where, when, what remains until when; signed with SKILLSTREAM_RECEIPT_KEY, so
    that who has the public key can check it, or else with the deployment's header key. With --check FILE a receipt is
    checked, and whether it is about STUDENT. Exit code 1: it is not, or not erased yet.
    """
    if signed_by and check is None:
        raise click.UsageError("--signed-by is of a receipt: --check FILE")
    if check is not None and signed_by and not students:  # needs neither settings nor a broker
        check_as_anybody(check, signed_by)
        return
    if show_key and (students or check is not None or receipt is not None or dry_run):
        raise click.UsageError("--public-key stands alone: nothing is erased or checked beside it")
    settings = load_broker_settings(config, broker)
    if show_key:
        print_public_key(settings)
        return
    if check is not None:
        check_here(settings, check, students, signed_by)
        return
    if not students:
        raise click.UsageError("name the student, or --check a receipt")
    keys = tuple(dict.fromkeys(key for student in students for key in keys_of_student(settings, student)))
    if dry_run:
        _print_remaining(Holdings.of(settings).remaining(datetime.now(UTC)), exports_of(settings, keys))
        return
    if not yes:
        click.confirm(f"Erase {', '.join(map(printable, keys))}?", abort=True, err=True)
    with audited(settings, "erase", about=keys[:MOST_ABOUT]):
        done = erase(settings, keys, wait_s)
    _tell(done, receipt)


def _tell(receipt: Receipt, file: Path | None) -> None:
    if file is None:
        click.echo(encode_receipt(receipt), nl=False)
        return
    file.write_bytes(encode_receipt(receipt))
    _print_remaining(receipt.remains, None if receipt.exports is UNSET else receipt.exports)


def _print_remaining(remains: Sequence[Remains], exports: Sequence[Exported] | None) -> None:
    """`exports` are None where the audit trail may not be read."""
    table = Table("where", "what remains", "until")
    for each in remains:
        table.add_row(each.where, each.what, each.until)
    if exports is None:
        table.add_row("exported files", "which: this client may not read the audit trail", "not known here")
    for made in exports or ():
        table.add_row(f"exported {made.at}", f"{made.what} ({made.outcome})", "you delete it")
    print_fitted(table)

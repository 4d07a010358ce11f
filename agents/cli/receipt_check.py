"""Checking receipts of erasures, and the key to check them with."""

from collections.abc import Sequence
from pathlib import Path

import click

from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.display.plain import printable
from agents.operations.erase.receipt import (
    Receipt,
    ReceiptRefused,
    check_signed_by,
    check_signed_here,
    is_about,
    read_receipt,
)
from agents.operations.erase.signing import public_keys_of


def check_as_anybody(file: Path, public_keys: Sequence[str]) -> None:
    """By public keys alone, without settings or a broker. Raises ReceiptRefused, KeyUnusable."""
    receipt = read_receipt(file.read_bytes())
    check_signed_by(receipt, public_keys)
    _say_accepted(receipt, "Signed by that key")


def check_here(settings: Settings, file: Path, students: Sequence[str], signed_by: Sequence[str]) -> None:
    """By the deployment's keys, and whether it is about these students. Raises ReceiptRefused, KeyUnusable."""
    keyring, receipt = Keyring(settings), read_receipt(file.read_bytes())
    if students or not receipt.is_for_others:
        keyring.open_as_allowed()
    if signed_by or receipt.is_for_others:
        check_signed_by(receipt, signed_by or public_keys_of(settings))
    else:
        check_signed_here(receipt, keyring)
    for student in students:
        if not is_about(receipt, student, keyring):
            raise ReceiptRefused(f"a receipt of this deployment, but not about {printable(student)}")
    _say_accepted(receipt, "Signed by this deployment")


def print_public_key(settings: Settings) -> None:
    """By which others can check receipts. Raises ReceiptRefused where there is none, KeyUnusable."""
    keys = public_keys_of(settings)
    if not keys:
        raise ReceiptRefused("SKILLSTREAM_RECEIPT_KEY is not set: the header key signs, and only who has it can check")
    click.echo(keys[0])


def _say_accepted(receipt: Receipt, whose: str) -> None:
    for each in receipt.erased:
        click.echo(f"{whose}. Accepted at {each.accepted_at}.")

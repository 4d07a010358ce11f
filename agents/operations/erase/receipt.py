"""The receipt of an erasure: what was done, where, when, what remains until when; signed with the header key.

Whoever has that key can check it, and nobody without it can make one. It has no student's id, but a hash under the key.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from agents.config.header_keys import Keyring
from agents.operations.erase.holdings import Remains
from schemas.errors import SkillstreamError
from streams.input.signature import SIGNATURE_HEADER
from streams.replay import FileRecord

_ABOUT: Final = "skillstream erasure receipt"
"""No topic is called so: nothing that is signed elsewhere passes for a receipt."""
_STUDENT: Final = "skillstream erased student"


class ReceiptRefused(SkillstreamError):
    """It is not a receipt of this deployment, or was changed."""


class Done(Struct, frozen=True):
    """What was found at a place: `offset` is of the record that says so."""

    where: str
    what: str
    partition: int
    offset: int


class ErasedKey(Struct, frozen=True, forbid_unknown_fields=True):
    """One key under which the student had events, by its hash. `ends` are where the partitions of the input ended: what
    came before does not count.
    """

    student: str
    accepted_at: str
    topic_id: str
    ends: tuple[int, ...]
    done: Sequence[Done]


class Receipt(Struct, frozen=True, forbid_unknown_fields=True):
    """See the module."""

    app: str
    asked_at: str
    erased: Sequence[ErasedKey]
    remains: Sequence[Remains]
    signature: str = ""
    version: Annotated[Literal[1], Meta(description="Of the receipt's form.")] = 1


def signed_receipt(receipt: Receipt, keyring: Keyring) -> Receipt:
    """The same, with its signature. Raises ReceiptRefused where this client has no key to sign with."""
    mac = _signature(keyring, _ABOUT, _content(receipt))
    if not mac:
        raise ReceiptRefused(f"no receipt: this client has no header key. {keyring.lacking}")
    return msgspec.structs.replace(receipt, signature=mac)


def student_hash(student: str, keyring: Keyring) -> str:
    """What a receipt calls a student."""
    return _signature(keyring, _STUDENT, student.encode())


def encode_receipt(receipt: Receipt) -> bytes:
    """As JSON to be read."""
    return msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n"


def checked_receipt(content: bytes, keyring: Keyring) -> Receipt:
    """The receipt that a file holds. Raises ReceiptRefused."""
    try:
        receipt = msgspec.json.decode(content, type=Receipt)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ReceiptRefused(f"no receipt: {error}") from None
    if not _is_signed(keyring, _ABOUT, _content(receipt), receipt.signature):
        raise ReceiptRefused(f"not signed by this deployment, or changed since. {keyring.lacking}".rstrip())
    return receipt


def is_about(receipt: Receipt, student: str, keyring: Keyring) -> bool:
    """Whether it is that student's."""
    return any(_is_signed(keyring, _STUDENT, student.encode(), each.student) for each in receipt.erased)


def _content(receipt: Receipt) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(receipt, signature=""), order="deterministic")


def _signature(keyring: Keyring, about: str, content: bytes) -> str:
    return "".join(
        (value or b"").decode() for name, value in keyring.sign(about, 0, None, content, ()) if name == SIGNATURE_HEADER
    )


def _is_signed(keyring: Keyring, about: str, content: bytes, signature: str) -> bool:
    record = FileRecord(0, 0, content, about, 0, None, ((SIGNATURE_HEADER, signature.encode()),))
    return keyring.authentic(record)

"""The receipt of an erasure: what was done, where, when, what remains until when; signed (`signing`).

It has no student's id, but a hash under the header key: whoever has that key can tell whose it is.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from agents.config.header_keys import Keyring
from agents.operations.erase.exports import Exported
from agents.operations.erase.holdings import Remains
from agents.operations.erase.signing import HeaderKeySigner, Signer, is_for_others, signed_by_one_of
from schemas.errors import SkillstreamError

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
    signer: Annotated[str, Meta(description="The public key; left out where the header key signs.")] | UnsetType = UNSET
    exports: Sequence[Exported] | UnsetType = UNSET
    """Left out where the audit trail may not be read."""

    @property
    def is_for_others(self) -> bool:
        """Whether who has no secret of the deployment can check it."""
        return is_for_others(self.signature)


def signed_receipt(receipt: Receipt, signer: Signer) -> Receipt:
    """The same, with its signature. Raises ReceiptRefused where there is no key to sign with."""
    receipt = msgspec.structs.replace(receipt, signer=signer.public_key or UNSET)
    signature = signer.sign(_ABOUT, _content(receipt))
    if not signature:
        raise ReceiptRefused("no receipt: this client has no header key, and no SKILLSTREAM_RECEIPT_KEY")
    return msgspec.structs.replace(receipt, signature=signature)


def student_hash(student: str, keyring: Keyring) -> str:
    """What a receipt calls a student."""
    return HeaderKeySigner(keyring).sign(_STUDENT, student.encode())


def encode_receipt(receipt: Receipt) -> bytes:
    """As JSON to be read."""
    return msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n"


def read_receipt(content: bytes) -> Receipt:
    """What a file holds, whoever signed it. Raises ReceiptRefused."""
    try:
        return msgspec.json.decode(content, type=Receipt)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ReceiptRefused(f"no receipt: {error}") from None


def check_signed_by(receipt: Receipt, public_keys: Collection[str]) -> None:
    """Raise ReceiptRefused unless one of these keys signed it; KeyUnusable for what is no public key."""
    if not receipt.is_for_others:
        raise ReceiptRefused("signed with a header key: only the deployment that has it can check it")
    if not public_keys:
        raise ReceiptRefused("signed for others to check: name the public key, by --signed-by, that you had from them")
    if not signed_by_one_of(public_keys, _ABOUT, _content(receipt), receipt.signature):
        raise ReceiptRefused("not signed by that key, or changed since")


def check_signed_here(receipt: Receipt, keyring: Keyring) -> None:
    """Raise ReceiptRefused unless a header key of the deployment signed it."""
    if not HeaderKeySigner(keyring).has_signed(_ABOUT, _content(receipt), receipt.signature):
        raise ReceiptRefused(f"not signed by this deployment, or changed since. {keyring.lacking}".rstrip())


def is_about(receipt: Receipt, student: str, keyring: Keyring) -> bool:
    """Whether it is that student's."""
    signer = HeaderKeySigner(keyring)
    return any(signer.has_signed(_STUDENT, student.encode(), each.student) for each in receipt.erased)


def _content(receipt: Receipt) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(receipt, signature=""), order="deterministic")

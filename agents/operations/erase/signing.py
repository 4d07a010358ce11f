"""What signs receipts: a private key, so that others can check them, or else the header key, which nobody else has.

What is signed is the receipt's JSON without blanks, its signature left empty.
"""

from base64 import b64decode
from collections.abc import Iterable
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from streams.input.signature import SIGNATURE_HEADER
from streams.input.signing_keys import SCHEME, is_signed_by, public_key, public_key_of, signature_of, signing_key
from streams.replay import FileRecord

_WHERE = "SKILLSTREAM_RECEIPT_KEY"


class Signer(Protocol):
    """Signs receipts."""

    @property
    def public_key(self) -> str:
        """By which others can check them; empty: they cannot."""

    def sign(self, about: str, content: bytes) -> str:
        """The signature of `content`, which is of this kind; empty where there is no key."""


class HeaderKeySigner:
    """Implements Signer by the keys that sign our own headers: HMAC-SHA-256."""

    public_key = ""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def sign(self, about: str, content: bytes) -> str:
        """See Signer."""
        headers = self._keyring.sign(about, 0, None, content, ())
        return "".join((value or b"").decode() for name, value in headers if name == SIGNATURE_HEADER)

    def has_signed(self, about: str, content: bytes, signature: str) -> bool:
        """Whether a key of the deployment made this signature."""
        record = FileRecord(0, 0, content, about, 0, None, ((SIGNATURE_HEADER, signature.encode()),))
        return self._keyring.authentic(record)


class PrivateKeySigner:
    """Implements Signer by a key whose public half anybody may have: Ed25519."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = public_key_of(key)

    def sign(self, about: str, content: bytes) -> str:
        """See Signer."""
        return signature_of(self._key, _labelled(about, content))


def signer_of(settings: Settings, keyring: Keyring) -> Signer:
    """Of a deployment. Raises KeyUnusable."""
    return _private_key_signer(settings) or HeaderKeySigner(keyring)


def public_keys_of(settings: Settings) -> tuple[str, ...]:
    """By which its receipts can be checked without a secret; none where no private key is set. Raises KeyUnusable."""
    signer = _private_key_signer(settings)
    return () if signer is None else (signer.public_key,)


def is_for_others(signature: str) -> bool:
    """Whether a public key tells if it is right."""
    return signature.startswith(SCHEME)


def signed_by_one_of(public_keys: Iterable[str], about: str, content: bytes, signature: str) -> bool:
    """Whether one of them made this signature. Raises KeyUnusable for what is no public key."""
    keys = [public_key(written) for written in public_keys]
    try:
        made = b64decode(signature.removeprefix(SCHEME), validate=True)
    except ValueError:
        return False
    return any(is_signed_by(key, made, _labelled(about, content)) for key in keys)


def _private_key_signer(settings: Settings) -> PrivateKeySigner | None:
    if not settings.receipt_key:
        return None
    return PrivateKeySigner(signing_key(str(settings.receipt_key).encode(), _WHERE))


def _labelled(about: str, content: bytes) -> bytes:
    """So that nothing which the key signs elsewhere passes for it."""
    return about.encode() + b"\n" + content

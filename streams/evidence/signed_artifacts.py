"""Artifacts that somebody vouches for: `card.json.sig` is an Ed25519 signature (RFC 8032) of the card's bytes.

The card has the hash of every other file of its folder, so that who signs it signs all. A public key is written as
`ed25519:` and the base64 of its 32 bytes; a private key is a PEM file (PKCS #8), as OpenSSL makes and reads them.
"""

import base64
import binascii
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from streams.evidence.artifacts import CARD_FILE, ArtifactError

SIGNATURE_FILE: Final = f"{CARD_FILE}.sig"
_SCHEME: Final = "ed25519:"
_MAX_SIGNATURE_BYTES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Signers:
    """Whose artifacts are read."""

    keys: tuple[Ed25519PublicKey, ...]

    @classmethod
    def of(cls, written: Iterable[str]) -> "Signers":
        """Raises ArtifactError for what is no public key."""
        return cls(tuple(map(_public_key, written)))

    def check(self, folder: Path, card: bytes) -> None:
        """Raise ArtifactError unless one of them signed the card of this folder."""
        try:
            with (folder / SIGNATURE_FILE).open("rb") as file:
                signature = base64.b64decode(file.read(_MAX_SIGNATURE_BYTES).strip(), validate=True)
        except FileNotFoundError:
            raise ArtifactError(
                f"model artifact {folder} is not signed, and SKILLSTREAM_MODEL_SIGNERS asks for it: "
                "who vouches for it signs it with `skillstream sign-model`"
            ) from None
        except OSError as error:
            raise ArtifactError(f"model artifact {folder}: {error.strerror}: {SIGNATURE_FILE}") from None
        except binascii.Error:
            raise ArtifactError(f"model artifact {folder}: {SIGNATURE_FILE} holds no signature") from None
        if not any(_signed_by(key, signature, card) for key in self.keys):
            raise ArtifactError(
                f"model artifact {folder}: its card was changed after it was signed, or none of "
                "SKILLSTREAM_MODEL_SIGNERS signed it: it is not read"
            )


def new_signing_key(path: Path) -> str:
    """Make a private key, readable by its owner alone; its public key, as it is written. Raises OSError, also where
    there is a file already.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return public_key_of(key)


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises OSError, and ArtifactError for what is no Ed25519 key, or one that is encrypted."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ArtifactError(f"{path} is no private key in PEM that can be read without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ArtifactError(
            f"{path} is a key of another kind than Ed25519: `skillstream sign-model --new-key` makes one"
        )
    return key


def sign_artifact(folder: Path, key: Ed25519PrivateKey) -> Path:
    """Put the signature beside the card; where it is. Raises OSError."""
    signature = base64.b64encode(key.sign((folder / CARD_FILE).read_bytes()))
    path = folder / SIGNATURE_FILE
    path.write_bytes(signature + b"\n")
    return path


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Its public key, as SKILLSTREAM_MODEL_SIGNERS takes it."""
    return _SCHEME + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _public_key(written: str) -> Ed25519PublicKey:
    try:
        raw = base64.b64decode(written.removeprefix(_SCHEME), validate=True)
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise ArtifactError(
            "SKILLSTREAM_MODEL_SIGNERS: a public key is ed25519: and 44 characters of base64; "
            "`skillstream sign-model --key FILE` prints a key's"
        ) from None


def _signed_by(key: Ed25519PublicKey, signature: bytes, card: bytes) -> bool:
    try:
        key.verify(signature, card)
    except InvalidSignature:
        return False
    return True

"""Artifacts that somebody vouches for: `card.json.sig` is an Ed25519 signature of the card's bytes, in base64.

The card has the hash of every other file of its folder, so that who signs it signs all. How keys are written is in
`streams.input.signing_keys`.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.errors import KeyUnusable
from streams.evidence.artifacts import CARD_FILE, ArtifactError
from streams.input.signing_keys import is_signed_by, public_key

SIGNATURE_FILE: Final = f"{CARD_FILE}.sig"
_MAX_SIGNATURE_BYTES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Signers:
    """Whose artifacts are read."""

    keys: tuple[Ed25519PublicKey, ...]

    @classmethod
    def of(cls, written: Iterable[str]) -> "Signers":
        """Raises ArtifactError for what is no public key."""
        try:
            return cls(tuple(map(public_key, written)))
        except KeyUnusable as error:
            raise ArtifactError(f"SKILLSTREAM_MODEL_SIGNERS: {error}") from None

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
        if not any(is_signed_by(key, signature, card) for key in self.keys):
            raise ArtifactError(
                f"model artifact {folder}: its card was changed after it was signed, or none of "
                "SKILLSTREAM_MODEL_SIGNERS signed it: it is not read"
            )


def sign_artifact(folder: Path, key: Ed25519PrivateKey) -> Path:
    """Put the signature beside the card; where it is. Raises OSError."""
    signature = base64.b64encode(key.sign((folder / CARD_FILE).read_bytes()))
    path = folder / SIGNATURE_FILE
    path.write_bytes(signature + b"\n")
    return path

"""Keys that sign for whoever has no secret of ours: Ed25519 (RFC 8032).

A public key is written as `ed25519:` and the base64 of its 32 bytes, a signature likewise of its 64; a private key is
PEM (PKCS #8), as OpenSSL makes and reads them.
"""

import base64
import os
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

from schemas.errors import KeyUnusable

SCHEME: Final = "ed25519:"


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
    """Raises OSError, and KeyUnusable for what is no Ed25519 key, or one that is encrypted."""
    return signing_key(path.read_bytes(), str(path))


def signing_key(pem: bytes, where: str) -> Ed25519PrivateKey:
    """The key that is written so. Raises KeyUnusable, which names `where` it is from, and quotes nothing of it."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable(f"{where} is no private key in PEM that can be read without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable(
            f"{where} is a key of another kind than Ed25519: `skillstream sign-model --new-key FILE` makes one"
        )
    return key


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Its public key, as it is written."""
    return SCHEME + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def public_key(written: str) -> Ed25519PublicKey:
    """The reverse. Raises KeyUnusable."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(written.removeprefix(SCHEME), validate=True))
    except ValueError:
        raise KeyUnusable(
            "a public key is ed25519: and 44 characters of base64; `skillstream sign-model --key FILE` prints a key's"
        ) from None


def signature_of(key: Ed25519PrivateKey, content: bytes) -> str:
    """As it is written."""
    return SCHEME + base64.b64encode(key.sign(content)).decode()


def is_signed_by(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    """Whether a signature, of any length, is that key's of this content."""
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True

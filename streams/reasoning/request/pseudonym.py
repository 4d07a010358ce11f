"""Who a student is to the model's provider: a name that only the holder of the secret can trace."""

import hashlib
import hmac
from typing import Final

from schemas.errors import Fatal

MIN_SECRET_BYTES: Final = 16
_HEX_DIGITS: Final = 16


class Pseudonyms:
    """HMAC-SHA-256 of the student's id, under a secret and a tenant: the same student gets unlike names in two
    tenants. Raises Fatal for a secret short enough to be guessed.
    """

    def __init__(self, secret: bytes, tenant: str = "") -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise Fatal(
                f"the pseudonym secret has {len(secret)} bytes; it needs {MIN_SECRET_BYTES} random ones at least, "
                "kept as long as explanations are (for instance: openssl rand -hex 32)"
            )
        self._key = hmac.digest(secret, tenant.encode(), "sha256")

    def __repr__(self) -> str:
        return "Pseudonyms(<secret>)"

    def of(self, student_id: str) -> str:
        """The student's pseudonym, `s-` and 16 hex digits."""
        return "s-" + hmac.new(self._key, student_id.encode(), hashlib.sha256).hexdigest()[:_HEX_DIGITS]

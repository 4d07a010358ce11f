"""Names for what is kept in Redis, from which nobody without the deployment's secret learns what was named."""

import hashlib
import hmac
from typing import Final

_BYTES: Final = 16


class KeyedHash:
    """Names by HMAC-SHA-256, cut to 128 bits. The same `secret` gives the same names, on every worker."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"skillstream names\0{secret}".encode()).digest()

    def __call__(self, *parts: bytes) -> str:
        """The name of `parts`, in order: 32 hexadecimal digits."""
        named = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            named.update(len(part).to_bytes(8, "big") + part)
        return named.digest()[:_BYTES].hex()

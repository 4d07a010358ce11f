"""What a redacted dead letter has in the place of key, value and each of the producer's header values: a keyed hash.

    <id of the header key>:<HMAC-SHA256, 32 hexadecimal digits>:<size in bytes>

Equal contents have equal hashes, as long as the same key signs. What was null stays null.
"""

import re
from typing import Final, NamedTuple, Self

_TEXT: Final = re.compile(rb"([0-9a-f]{8}):([0-9a-f]{32}):([0-9]{1,10})")
METHOD: Final = "hmac-sha256"
"""In `dl-redacted`."""


class NotRedacted(ValueError):
    """It is no keyed hash, though the dead letter says so."""


class ContentHash(NamedTuple):
    """Stands for some bytes."""

    key_id: bytes
    mac: bytes
    size_bytes: int

    @classmethod
    def read(cls, content: bytes) -> Self:
        """The reverse of `text`. Raises NotRedacted."""
        found = _TEXT.fullmatch(content)
        if found is None:
            raise NotRedacted("no keyed hash")
        return cls(found[1], found[2], int(found[3]))

    @property
    def text(self) -> bytes:
        """As it is on the topic."""
        return b"%b:%b:%d" % self


def read_hashes(key: bytes | None, value: bytes | None) -> tuple[ContentHash | None, ContentHash | None]:
    """What stands for key and value on a redacted dead letter. Raises NotRedacted."""
    return (
        None if key is None else ContentHash.read(key),
        None if value is None else ContentHash.read(value),
    )

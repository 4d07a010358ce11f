"""Our own headers on records of the input topic are signed, since whoever may write there could write them, too.

A signature is an HMAC of the headers and of the record that has them: its topic, partition, key and value. So headers
count on that record alone; what is not signed by a key of the deployment is as if it were not there.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final

from schemas.dead_letter import REINSERTED_HEADER, Header
from schemas.dead_letter_redaction import ContentHash
from schemas.dialects import Record
from schemas.erasure import ACCEPTED_HEADER
from streams.input.origin import ORIGIN_HEADER

SIGNATURE_HEADER: Final = "skillstream-signature"
SIGNED_HEADERS: Final = frozenset({ORIGIN_HEADER, REINSERTED_HEADER, ACCEPTED_HEADER})
OWN_HEADERS: Final = SIGNED_HEADERS | {SIGNATURE_HEADER}
_MAC_BYTES: Final = 16
_ID_BYTES: Final = 4
_SIGNATURE: Final = re.compile(rb"([0-9a-f]{8}):([0-9a-f]{32})")

Authentic = Callable[[Record], bool]
"""Whether our headers on a record are ours."""
Sign = Callable[[str, int, bytes | None, bytes | None, Sequence[Header]], tuple[Header, ...]]
"""Our headers for a record of this topic, partition, key and value, with their signature."""


def nobody(_record: Record) -> bool:
    """Trusts no header."""
    return False


def has_own_headers(record: Record) -> bool:
    """Whether a record bears headers of ours, or what looks like them."""
    return any(name in SIGNED_HEADERS for name, _ in record.headers)


def id_of(key: bytes) -> bytes:
    """What a signature calls a key; it does not give it away."""
    return sha256(b"skillstream header key " + key).digest()[:_ID_BYTES].hex().encode()


@dataclass(frozen=True, slots=True)
class HeaderKeys:
    """Keys of a deployment: the first one signs, all are valid."""

    keys: tuple[bytes, ...] = ()
    _by_id: Mapping[bytes, bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {id_of(key): key for key in self.keys})

    def __repr__(self) -> str:
        return f"HeaderKeys({len(self.keys)})"

    def sign(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header]
    ) -> tuple[Header, ...]:
        """See Sign. Without any key the headers stay unsigned."""
        if not self.keys:
            return tuple(headers)
        mac = _mac(self.keys[0], topic, partition, key, value, headers)
        return *headers, (SIGNATURE_HEADER, id_of(self.keys[0]) + b":" + mac)

    def authentic(self, record: Record) -> bool:
        """See Authentic: one signature, by a key of ours, of just these headers on just this record."""
        name, mac = _signature(record)
        known = self._by_id.get(name)
        if known is None:
            return False
        headers = [header for header in record.headers if header[0] in SIGNED_HEADERS]
        expected = _mac(known, record.topic, record.partition, record.key, record.value, headers)
        return hmac.compare_digest(expected, mac)

    def pseudonym(self, name: str) -> str:
        """What stands for a person or a token where nobody may be named; by the key that signs, empty without one."""
        return _pseudonym(self.keys[0], name) if self.keys else ""

    def pseudonyms(self, name: str) -> frozenset[str]:
        """What may stand for it by now: by every key."""
        return frozenset(_pseudonym(key, name) for key in self.keys)

    def hash_of(self, content: bytes) -> ContentHash:
        """What stands for it on a redacted dead letter: by the key that signs. Raises IndexError without any."""
        return _content_hash(self.keys[0], content)

    def hashes_of(self, content: bytes) -> tuple[ContentHash, ...]:
        """What may stand for it: by every key."""
        return tuple(_content_hash(key, content) for key in self.keys)

    def is_of_another(self, record: Record) -> bool:
        """Whether the one signature is of a key that is not among these: whoever lacks keys cannot judge it."""
        name, _ = _signature(record)
        return bool(name) and name not in self._by_id


def _pseudonym(key: bytes, name: str) -> str:
    """The key's id and an HMAC: only who has the key can tell whether it is somebody's."""
    own = hmac.digest(key, b"skillstream pseudonym", sha256)
    mac = hmac.digest(own, name.encode(errors="surrogatepass"), sha256)
    return f"{id_of(key).decode()}:{mac[:_MAC_BYTES].hex()}"


def _content_hash(key: bytes, content: bytes) -> ContentHash:
    own = hmac.digest(key, b"skillstream redacted dead letter", sha256)
    return ContentHash(id_of(key), hmac.digest(own, content, sha256)[:_MAC_BYTES].hex().encode(), len(content))


def _signature(record: Record) -> tuple[bytes, bytes]:
    """The key's id and the MAC of the one signature; both empty where there is none, several, or none to speak of."""
    signatures = [value or b"" for name, value in record.headers if name == SIGNATURE_HEADER]
    found = _SIGNATURE.fullmatch(signatures[0]) if len(signatures) == 1 else None
    return (found[1], found[2]) if found is not None else (b"", b"")


def _mac(
    secret: bytes, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header]
) -> bytes:
    """Of headers on a record."""
    digest = None if value is None else sha256(value).digest()
    parts = [topic.encode(), b"%d" % partition, key, digest]
    for name, content in headers:
        parts += [name.encode(), content]
    return mac_of(secret, parts)


def mac_of(secret: bytes, parts: Iterable[bytes | None]) -> bytes:
    """In hexadecimal. Every part goes in with its length, so that no two lists of parts are signed alike."""
    mac = _begun(secret).copy()
    mac.update(b"".join(b"-" if part is None else b"%d:%b" % (len(part), part) for part in parts))
    return mac.digest()[:_MAC_BYTES].hex().encode()


@lru_cache(maxsize=1_024)
def _begun(secret: bytes) -> hmac.HMAC:
    """Half of the cost of a MAC is to begin it."""
    return hmac.new(secret, digestmod="sha256")

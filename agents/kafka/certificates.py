"""When certificates in a PEM file end: the validity of X.509 (RFC 5280, 4.1), which Python's ssl tells of CAs only."""

import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME = 0xA0, 0x17
_BEFORE_VALIDITY: Final = 3
"""Serial number, signature's algorithm, issuer."""


def ends_of(files: Mapping[str, str | None]) -> dict[str, float]:
    """`first_end_s` of the files that there are, by the same names; of what cannot be read there is nothing."""
    ends_s = {name: first_end_s(Path(file)) for name, file in files.items() if file}
    return {name: end_s for name, end_s in ends_s.items() if end_s is not None}


def first_end_s(pem: Path) -> float | None:
    """When the first of a file's certificates ends, in seconds since 1970; None where it has none that can be read."""
    try:
        certificates = _PEM.findall(pem.read_text("ascii", errors="replace"))
        return min((_end_s(ssl.PEM_cert_to_DER_cert(each)) for each in certificates), default=None)
    except (OSError, ValueError, IndexError):
        return None


def _end_s(der: bytes) -> float:
    """Raises ValueError or IndexError for what is no certificate."""
    _, at, _ = _element(der, 0)  # Certificate
    _, at, _ = _element(der, at)  # TBSCertificate
    tag, _, after = _element(der, at)
    at = after if tag == _VERSION else at
    for _ in range(_BEFORE_VALIDITY):
        _, _, at = _element(der, at)
    _, at, _ = _element(der, at)  # Validity
    _, _, at = _element(der, at)  # notBefore
    tag, start, end = _element(der, at)
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(der[start:end].decode("ascii"), form).replace(tzinfo=UTC).timestamp()


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of what the element at `at` holds."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        digits = length & 0x7F
        length, start = int.from_bytes(der[start : start + digits], "big"), start + digits
    return der[at], start, start + length

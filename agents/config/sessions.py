"""Sessions of people who have signed in: a signed cookie, which every worker with the same token can check.

    <expiry, seconds since 1970>.<HMAC-SHA256 of role and expiry, under a key made of the role's token>

Nothing is stored: another token ends all sessions, on all workers.
"""

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, Literal

SignedRole = Literal["operator", "reader"]
"""Roles that people have; the third is for programs."""
COOKIES: Final[Mapping[SignedRole, str]] = {"operator": "skillstream_operator", "reader": "skillstream_reader"}
_VALUE: Final = re.compile(r"(\d{1,12})\.([0-9a-f]{64})")


def session_value(token: str, role: SignedRole, expires_s: int) -> str:
    """The cookie's value."""
    return f"{expires_s}.{_mac(token, role, expires_s)}"


def is_valid(value: str, token: str, role: SignedRole, now_s: float) -> bool:
    """Whether the value was made with this token, for this role, and has not expired."""
    found = _VALUE.fullmatch(value)
    if found is None or int(found[1]) <= now_s:
        return False
    return hmac.compare_digest(_mac(token, role, int(found[1])), found[2])


def own_cookies(header: str) -> str:
    """Of a Cookie header, what is ours: others on this machine may have cookies under the same name."""
    parts = (part.strip() for part in header.split(";"))
    return "; ".join(part for part in parts if part.partition("=")[0] in COOKIES.values())


def _mac(token: str, role: SignedRole, expires_s: int) -> str:
    key = hmac.digest(token.encode(errors="surrogatepass"), b"skillstream session", sha256)
    return hmac.digest(key, f"{role} {expires_s}".encode(), sha256).hex()

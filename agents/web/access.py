"""Who may look: everybody on this machine; from elsewhere, who has the token."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from typing import Final

from agents.config.settings import SettingsError

CHALLENGE: Final = 'Basic realm="skillstream: any name, and the token as password"'


class OpenToNetwork(SettingsError):
    """Pages that others can reach, without a token."""


@dataclass(frozen=True, slots=True)
class PageAccess:
    """The rule for pages served at `host`. Raises OpenToNetwork when others can reach it and there is no token."""

    host: str
    token: str = ""

    def __post_init__(self) -> None:
        if not self.token and not is_loopback(self.host):
            raise OpenToNetwork(
                f"web_host {self.host or '(all addresses)'} can be reached from other machines: set "
                "SKILLSTREAM_WEB_TOKEN to a secret of your own (python3 -c 'import secrets; "
                "print(secrets.token_urlsafe(24))' makes one), or SKILLSTREAM_WEB_HOST to 127.0.0.1"
            )

    def admits(self, authorization: str) -> bool:
        """Whether this Authorization header opens the pages: `Bearer`, or `Basic` with the token as password."""
        if not self.token:
            return True
        scheme, _, credentials = authorization.partition(" ")
        given = credentials.strip()
        if scheme.lower() == "basic":
            given = _password(given)
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(_digest(given), _digest(self.token))


def _digest(token: str) -> bytes:
    """So that neither the time taken nor the length compared tells how near a guess was."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name other than localhost counts as reachable."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""

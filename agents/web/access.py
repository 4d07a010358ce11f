"""Who may see what: three roles, each with a token of its own.

    open        the probes, and the form to sign in
    operator    figures, health, metrics: everybody on this machine while SKILLSTREAM_WEB_TOKEN is not set
    reader      what is known of students: nobody while SKILLSTREAM_READER_TOKEN is not set
    inference   scoring on demand: nobody while SKILLSTREAM_INFERENCE_TOKEN is not set

A token comes with each request, or once: the form to sign in answers with a session's cookie (`sessions`).
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from aiohttp import web

from agents.config.addresses import is_loopback
from agents.config.sessions import COOKIES, SignedRole, is_valid
from agents.config.settings import Settings, SettingsError
from agents.config.tenants import Tenant, Tenants
from schemas.contract.openapi import AskingRole

Role = Literal["open", AskingRole]
Access = Literal["admitted", "no credentials", "wrong", "of another role", "closed"]
"""`closed`: the role has no token, so that nobody has it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was admitted to a page: the role, and what tells one who has it from another; a secret, maybe."""

    role: AskingRole
    identity: str = field(repr=False)


def of_no_tenant(_token: str) -> None:
    """There are no tenants."""


CALLER: Final = web.RequestKey("caller", Caller)
"""Set on each request that was admitted to a page that is not open."""
CHALLENGE: Final = 'Basic realm="skillstream: any name, and the token as password"'
_SIGNED: Final[tuple[SignedRole, ...]] = get_args(SignedRole)


class OpenToNetwork(SettingsError):
    """Pages that others can reach, without a token."""


@dataclass(frozen=True, slots=True)
class RoleTokens:
    """By role; empty for none. `tenant_of` tells whose a token is that opens pages of a tenant's students alone."""

    operator: str = ""
    reader: str = ""
    inference: str = ""
    tenant_of: Callable[[str], Tenant | None] = of_no_tenant

    @classmethod
    def of(cls, settings: Settings) -> "RoleTokens":
        """As they are set."""
        of_reader_token = Tenants.of(settings).of_reader_token
        return cls(settings.web_token, settings.reader_token, settings.inference_token, of_reader_token)

    def role_of(self, given: str) -> AskingRole | None:
        """Whose token it is; takes the same time whatever it is."""
        found: AskingRole | None = None
        for role in get_args(AskingRole):
            token = getattr(self, role)
            if hmac.compare_digest(_digest(given), _digest(token)) and token:
                found = role
        return found


NO_TOKENS_SET: Final = RoleTokens()


@dataclass(frozen=True, slots=True)
class PageAccess:
    """The rule for pages served at `host`. Raises OpenToNetwork when others can reach it and no token is set."""

    host: str
    tokens: RoleTokens = NO_TOKENS_SET
    now_s: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        if not self.tokens.operator and not is_loopback(self.host):
            raise OpenToNetwork(
                f"web_host {self.host or '(all addresses)'} can be reached from other machines: set "
                "SKILLSTREAM_WEB_TOKEN to a secret of your own (python3 -c 'import secrets; "
                "print(secrets.token_urlsafe(24))' makes one), or SKILLSTREAM_WEB_HOST to 127.0.0.1"
            )

    def access(self, role: AskingRole, authorization: str, cookies: Mapping[str, str]) -> Access:
        """Whether a request with this Authorization header (`Bearer`, or `Basic` with the token as password) and these
        cookies has the role.
        """
        token: str = getattr(self.tokens, role)
        if not token:
            return "admitted" if role == "operator" else "closed"
        if any(role == signed and self.is_signed_in(signed, cookies) for signed in _SIGNED):
            return "admitted"
        given = given_token(authorization)
        if given is None:
            return "no credentials"
        found = self.tokens.role_of(given)
        if found == role:
            return "admitted"
        return "wrong" if found is None and self.tokens.tenant_of(given) is None else "of another role"

    def is_signed_in(self, role: SignedRole, cookies: Mapping[str, str]) -> bool:
        """Whether these cookies are of a session of the role."""
        token, value = getattr(self.tokens, role), cookies.get(COOKIES[role])
        return bool(token) and value is not None and is_valid(value, token, role, self.now_s())


def given_token(authorization: str) -> str | None:
    """The token in an Authorization header; None without one, empty in one that cannot be read."""
    if not authorization:
        return None
    scheme, _, credentials = authorization.partition(" ")
    given = credentials.strip()
    if scheme.lower() == "basic":
        return _password(given)
    return given if scheme.lower() == "bearer" else ""


def _digest(token: str) -> bytes:
    """So that neither the time taken nor the length compared tells how near a guess was."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""

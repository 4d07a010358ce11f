"""Roles that a proxy gives to people whom it has signed in (OpenID Connect): by a header, an address and a secret.

SKILLSTREAM_PROXY_ROLES=X-Auth-Request-Groups: teachers=reader, operations=operator
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, get_args

from agents.config.sessions import SignedRole
from agents.config.settings import Settings, SettingsError
from agents.display.plain import quoted

Network = IPv4Network | IPv6Network
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_NOT_FOR_ROLES: Final = frozenset({"authorization", "cookie", "host", "connection", "content-length", "forwarded"})
_SIGNED: Final[tuple[SignedRole, ...]] = get_args(SignedRole)
_FORM: Final = "is not HEADER: VALUE=ROLE, VALUE=ROLE… with the roles operator and reader"


@dataclass(frozen=True, slots=True)
class ProxyRules:
    """Whom to believe, and what: `roles` by the values of `header`; `user_header` names them, for the audit trail."""

    header: str
    roles: Mapping[str, SignedRole]
    networks: tuple[Network, ...]
    secret: str = field(repr=False)
    user_header: str = ""

    def covers(self, address: str | None) -> bool:
        """Whether requests from this address may be the proxy's."""
        try:
            found = ip_address((address or "").partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in network for network in self.networks)


def proxy_rules(settings: Settings) -> ProxyRules | None:
    """As they are set; None where no proxy gives roles. Raises SettingsError for half of them, and for what is none."""
    given = settings.proxy_roles.strip()
    if not given:
        if settings.proxy_addresses or settings.proxy_secret or settings.proxy_user_header:
            raise SettingsError(
                "SKILLSTREAM_PROXY_ROLES is not set, and without it the proxy's other settings are for nothing"
            )
        return None
    for name in ("proxy_addresses", "proxy_secret", "web_token"):
        if not getattr(settings, name):
            raise SettingsError(
                f"SKILLSTREAM_{name.upper()} is not set, and SKILLSTREAM_PROXY_ROLES needs it: {_WHY[name]}"
            )
    header, _, values = given.partition(":")
    user_header = settings.proxy_user_header.strip()
    return ProxyRules(
        _header("SKILLSTREAM_PROXY_ROLES", header.strip()),
        _roles(values),
        tuple(map(_network, settings.proxy_addresses)),
        settings.proxy_secret,
        _header("SKILLSTREAM_PROXY_USER_HEADER", user_header) if user_header else "",
    )


_WHY: Final = {
    "proxy_addresses": "anybody else could send its header",
    "proxy_secret": "whoever shares the proxy's address could send its header",
    "web_token": "without it everybody from this machine is an operator, and so is everybody behind a proxy on it",
}


def _header(setting: str, name: str) -> str:
    if not _HEADER.fullmatch(name) or name.lower() in _NOT_FOR_ROLES:
        raise SettingsError(f"{setting}: {quoted(name)} is no name of a header of the proxy's own")
    return name


def _roles(values: str) -> dict[str, SignedRole]:
    roles: dict[str, SignedRole] = {}
    for part in values.split(","):
        value, _, said = (each.strip() for each in part.rpartition("="))
        role = next((role for role in _SIGNED if role == said), None)
        if not value or role is None or value in roles:
            raise SettingsError(f"SKILLSTREAM_PROXY_ROLES: {quoted(part.strip())} {_FORM}, each value once")
        roles[value] = role
    return roles


def _network(text: str) -> Network:
    try:
        network = ip_network(text.strip())
    except ValueError:
        raise SettingsError(
            f"SKILLSTREAM_PROXY_ADDRESSES: {quoted(text)} is no address, and no network as 10.1.2.0/24"
        ) from None
    if network.prefixlen == 0:
        raise SettingsError(f"SKILLSTREAM_PROXY_ADDRESSES: {quoted(text)} is everybody")
    return network

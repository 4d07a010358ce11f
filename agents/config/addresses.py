"""Addresses in settings: what is wrong with one, in words that never quote it, since it may hold a password."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

ESCAPES: Final = "in a password write @ as %40, / as %2F, # as %23, ? as %3F, : as %3A and % as %25"
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+(?:%\w+)?\]|\w[\w.\-]*)"
_BROKER: Final = re.compile(rf"{_HOST}(?::(\d{{1,5}}))?")
_MAX_PORT: Final = 65_535


def broker_problem(brokers: str) -> str | None:
    """Why Kafka's address cannot be one: a comma-separated list of host:port, without scheme and credentials."""
    if "@" in brokers or "://" in brokers:
        return (
            "is not host:port[,host:port…]: no scheme and no password belong in it. Who logs in is said by "
            "SKILLSTREAM_BROKER_SECURITY, _USER and _PASSWORD"
        )
    for number, broker in enumerate(brokers.split(","), start=1):
        found = _BROKER.fullmatch(broker.strip())
        if found is None or not 1 <= int(found[1] or 1) <= _MAX_PORT:
            which = f"its address number {number} " if "," in brokers else ""
            return f"{which}is not host:port (a port of 1..{_MAX_PORT}; an IPv6 address in brackets, [::1]:9092)"
    return None


def redis_problem(url: str) -> str | None:
    """Why Redis's address cannot be one."""
    wanted = "is not redis://[user:password@]host[:port][/database], rediss:// with TLS, or unix://path"
    if url.startswith("unix://"):
        return None if url.removeprefix("unix://").rpartition("@")[2].startswith("/") else wanted
    if (problem := _url_problem(url, ("redis", "rediss"), wanted)) is not None:
        return problem
    database = urlsplit(url).path.removeprefix("/")
    return f"{wanted}: the database is a number" if database and not database.isdecimal() else None


def http_problem(url: str) -> str | None:
    """Why a server's address cannot be one."""
    return _url_problem(url, ("http", "https"), "is not http://host[:port]/path or https://host[:port]/path")


def _url_problem(url: str, schemes: tuple[str, ...], wanted: str) -> str | None:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in schemes:
        return wanted
    if any(c.isspace() or not c.isprintable() for c in url):
        return f"{wanted}: it holds a blank or a control character"
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest[len(authority) :]:
        return f"{wanted}: {ESCAPES}"
    return None if _is_plain(authority.rpartition("@")[2]) else wanted


def _is_plain(host: str) -> bool:
    """Whether this is a host, with a port or without."""
    found = _BROKER.fullmatch(host)
    return found is not None and int(found[1] or 0) <= _MAX_PORT


def advertised_problem(url: str) -> str | None:
    """Why other workers could not ask there."""
    wanted = "is not http://host[:port] or https://host[:port], with nothing behind it"
    if (problem := _url_problem(url, ("http", "https"), wanted)) is not None:
        return problem
    parts = urlsplit(url)
    return wanted if "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment else None


def pages_url(host: str, port: int, *, encrypted: bool = False) -> str:
    """Where pages are that are served at `host`, an IPv6 address with its brackets or without."""
    host = host.strip("[]")
    return f"http{'s' if encrypted else ''}://{f'[{host}]' if ':' in host else host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name other than localhost counts as reachable."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


ADDRESS_PROBLEMS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "broker": broker_problem,
    "redis_url": redis_problem,
    "openai_base_url": http_problem,
    "advertised_url": advertised_problem,
    "traces": http_problem,
}
"""By the setting that holds the address."""

"""Which names the pages answer to. A page of somebody else's, whose name is made to lead here, cannot read them:
a browser asks under that name (DNS rebinding).
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Final

_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+(?:%[\w.\-]+)?\]|[\w.\-]+)(?::\d{1,5})?")
_OF_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")


class Hosts:
    """Answers to addresses, to names of this machine, to the `host` it listens at, and to those of `more`."""

    def __init__(self, host: str, more: Iterable[str] = ()) -> None:
        own = (host, socket.gethostname(), *_OF_THIS_MACHINE, *more)
        self._names = frozenset(_folded(name) for name in own if name)

    def admits(self, header: str | None) -> bool:
        """Whether a request with this Host header is answered. Without one it is of no browser."""
        if header is None:
            return True
        found = _AUTHORITY.fullmatch(header.strip())
        if found is None:
            return False
        name = _folded(found[1])
        return name in self._names or _is_address(name)


def _folded(name: str) -> str:
    return name.strip().strip("[]").rstrip(".").lower()


def _is_address(name: str) -> bool:
    """An address cannot be made to lead elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

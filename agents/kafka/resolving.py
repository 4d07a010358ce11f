"""Whether the names in Kafka's address lead anywhere: a client asks again and again, and says nothing of it."""

import logging
import socket
from collections.abc import Iterator

_log = logging.getLogger(__name__)


def addresses(broker: str) -> Iterator[tuple[str, str]]:
    """Host and port of each of a list of host:port, as they are written."""
    for each in broker.split(","):
        host, _, port = each.strip().rpartition(":") if ":" in each else (each.strip(), "", "9092")
        yield host, port


def unresolved(broker: str) -> Iterator[str]:
    """Each host of a list of host:port that has no address, and why. Blocks for as long as the resolver takes."""
    for host, port in addresses(broker):
        try:
            socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        except (OSError, ValueError, UnicodeError) as error:
            yield f"{host} does not resolve ({getattr(error, 'strerror', None) or error})"


def warn_of_unresolved(broker: str, timeout_s: float) -> None:
    """Log them at once, before the wait for a broker that may not end."""
    for problem in unresolved(broker):
        _log.warning("Kafka's %s: is SKILLSTREAM_BROKER right? Waiting up to %.0f s", problem, timeout_s)

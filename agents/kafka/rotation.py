"""Clients that are open when the way to log in to the broker is rotated: they use the new one with their next
connection.

Connections that are open stay so: Kafka asks again only where the broker has `connections.max.reauth.ms` set, and
closes them then. librdkafka's clients are given another user and password; certificates they read when they are made.
"""

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

from confluent_kafka import KafkaException

from agents.kafka.connection import BrokerAccess, access_of
from agents.secrets.watched_files import WatchedFiles

UseAccess = Callable[[Any, BrokerAccess], None]


class OpenClients:
    """Of one process; from any thread. Holds nobody: a client that is closed is dropped."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: WeakKeyDictionary[Any, tuple[str, UseAccess]] = WeakKeyDictionary()

    def add(self, broker: str, client: Any, use_access: UseAccess) -> None:
        """Have `client` follow how its broker is logged in to. `use_access` may raise OSError for a file."""
        if access_of(broker).security != "plaintext":
            with self._lock:
                self._open[client] = broker, use_access

    def log_in_anew(self) -> None:
        """Have all use user, password and files of now, for their next connections."""
        with self._lock:
            opened = list(self._open.items())
        for client, (broker, use_access) in opened:
            with suppress(RuntimeError, KafkaException, OSError):  # closed; or half of a pair is written
                use_access(client, access_of(broker))


OPEN_CLIENTS: Final = OpenClients()
"""Those of this process."""


def use_log_in(client: Any, access: BrokerAccess) -> None:
    """Of a client of librdkafka's."""
    if access.sasl:
        client.set_sasl_credentials(*access.log_in)


def watched_certificates(broker: str, on_rotated: Callable[[], None]) -> WatchedFiles:
    """The files that the broker is reached with; none where it asks for no TLS. Raises OSError."""
    access = access_of(broker)

    def use() -> None:
        access.tls()  # raises for what no client could use
        OPEN_CLIENTS.log_in_anew()
        on_rotated()

    return WatchedFiles(
        [file for file in (access.ca, access.certificate, access.key) if file],
        use,
        "SKILLSTREAM_BROKER_CA, _BROKER_CERTIFICATE or _BROKER_KEY",
        "The certificates for Kafka were rotated: aiokafka's clients use them from the next connection on, "
        "librdkafka's when they are opened anew",
    )

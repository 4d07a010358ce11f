"""Clients that are open when user or password of the broker are rotated: they log in anew with their next connection.

Connections that are open stay so: Kafka asks again only where the broker has `connections.max.reauth.ms` set, and
closes them then.
"""

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

from confluent_kafka import KafkaException

from agents.kafka.connection import access_of

LogInAs = Callable[[Any, str, str], None]


class OpenClients:
    """Of one process; from any thread. Holds nobody: a client that is closed is dropped."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: WeakKeyDictionary[Any, tuple[str, LogInAs]] = WeakKeyDictionary()

    def add(self, broker: str, client: Any, log_in_as: LogInAs) -> None:
        """Have `client` follow the credentials of its broker, where it logs in by them."""
        if access_of(broker).sasl:
            with self._lock:
                self._open[client] = broker, log_in_as

    def log_in_anew(self) -> None:
        """Give all the user and password of now, for their next connections."""
        with self._lock:
            opened = list(self._open.items())
        for client, (broker, log_in_as) in opened:
            with suppress(RuntimeError, KafkaException):  # it was closed
                log_in_as(client, *access_of(broker).log_in)


OPEN_CLIENTS: Final = OpenClients()
"""Those of this process."""

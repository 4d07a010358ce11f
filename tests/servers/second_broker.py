"""A second broker of a real Kafka's cluster, so that leaders of partitions have somewhere to move from."""

import shutil
import tempfile
from pathlib import Path
from typing import Final, Self

from confluent_kafka.admin import AdminClient

from tests.agents.delivery_cluster import until
from tests.servers.child import Child
from tests.servers.kafka import RealKafka
from tests.servers.ports import free_ports

_TIMEOUT_S: Final = 120.0
_NODE: Final = 2


class SecondBroker:
    """Node 2 of the cluster of `first`, which has to run; entering starts it, leaving stops it and removes its data."""

    node: Final = _NODE

    def __init__(self, first: RealKafka) -> None:
        self._first = first
        self._folder = Path(tempfile.mkdtemp(prefix="skillstream-kafka-"))
        self._child = Child("the second broker", self._folder / "broker.log")

    def stop(self) -> None:
        """In good order: its leaders move first."""
        self._child.stop(_TIMEOUT_S)

    def __enter__(self) -> Self:
        try:
            [port] = free_ports(1)
            properties = self._first.format_broker(self._folder, _NODE, port)
            self._child.start(self._first.command(properties))
            admin = AdminClient({"bootstrap.servers": self._first.bootstrap, "log_level": 0})
            until(lambda: _NODE in admin.list_topics(timeout=30).brokers, "the second broker has joined", _TIMEOUT_S)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

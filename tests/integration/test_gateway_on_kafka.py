"""The gateway on a real Kafka: what it answered with 2xx is there, though it is killed under load."""

import http.client
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import orjson

from agents.config.channels import Channels
from agents.config.settings import Settings
from tests.agents.delivery_cluster import until
from tests.agents.deployment import owning_partition
from tests.agents.gateway_process import GatewayProcess
from tests.agents.topic_reader import PARTITIONS, read_topic
from tests.events import fields
from tests.gateways import NDJSON, NORTH, bearer, ndjson, tenants_file

BATCH: Final = 50
CLIENTS: Final = 4
ENOUGH: Final = 3_000
_PATIENCE_S: Final = 60.0


@dataclass
class Load:
    """Clients that send batch after batch until one is not answered; ids of what was answered with 200."""

    port: int
    acknowledged: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join(_PATIENCE_S)

    def _send(self, client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        try:
            while True:
                ids = [uuid4().hex for _ in range(BATCH)]
                body = ndjson(
                    fields(student=f"{NORTH}{client}-{number % 7}", event_id=id_) for number, id_ in enumerate(ids)
                )
                connection.request("POST", "/events", body, {**NDJSON, **bearer()})
                response = connection.getresponse()
                response.read()
                if response.status == http.client.OK:
                    self.acknowledged += ids
        except (OSError, http.client.HTTPException):  # it is gone
            pass
        finally:
            connection.close()


def test_all_that_was_answered_with_2xx_is_on_kafka_after_a_kill_and_after_an_end_in_good_order(
    kafka: str, tmp_path: Path
) -> None:
    prefix = f"g{uuid4().hex[:8]}."
    given = {
        "broker": kafka,
        "partitions": PARTITIONS,
        "topic_prefix": prefix,
        "gateway_port": 0,
        "tenants": tenants_file(tmp_path),
    }
    acknowledged: list[str] = []
    codes = []
    for number in (signal.SIGKILL, signal.SIGTERM):
        with GatewayProcess(given, tmp_path / f"{number.name}.log") as running, Load(running.port) as load:
            until(lambda load=load: len(load.acknowledged) > ENOUGH, "clients are answered")  # type: ignore[misc]
            codes.append(running.end(number))
        acknowledged += load.acknowledged

    stored = read_topic(kafka, Channels.of(Settings(topic_prefix=prefix)).activity)
    ids = {orjson.loads(record.value or b"")["event_id"] for record in stored}
    assert codes == [-signal.SIGKILL, 0]
    assert set(acknowledged) <= ids
    assert all(record.partition == owning_partition(record.key or b"") for record in stored)

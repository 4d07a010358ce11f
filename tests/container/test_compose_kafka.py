"""Kafka as docker-compose.yml sets it up, run without its image: it starts, and a worker's topics can be made.

The environment becomes server.properties by the rule of the image's documentation: KAFKA_ dropped, lower case, `___`
for a dash, `__` for an underscore, `_` for a dot. Only hosts, ports and the folder become free ones of this machine.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.topics import ensure_topics
from tests.container.files import compose
from tests.servers.child import Child, ServerMissing, on_free_ports, run
from tests.servers.jars import java, kafka_jars
from tests.servers.ports import free_ports

_ENVIRONMENT: Mapping[str, object] = compose()["services"]["kafka"]["environment"]
_PORTS = ("9092", "19092", "9093")
_START_TIMEOUT_S = 90.0


def _property(variable: str) -> str:
    name = variable.removeprefix("KAFKA_").lower()
    return name.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")


def _properties(data: Path, ports: Mapping[str, str]) -> str:
    lines = []
    for variable, value in _ENVIRONMENT.items():
        if variable.startswith("KAFKA_"):
            here = (
                str(value)
                .replace("localhost", "127.0.0.1")
                .replace("kafka:", "127.0.0.1:")
                .replace("//:", "//127.0.0.1:")
            )
            for port, free in ports.items():
                here = here.replace(f":{port}", f":{free}")
            lines.append(f"{_property(variable)}={data if variable == 'KAFKA_LOG_DIRS' else here}\n")
    return "".join(lines)


@pytest.fixture
def program() -> list[str]:
    try:
        return [java(), "-Xmx512m", "-cp", f"{kafka_jars()}/*"]
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def ports(tmp_path: Path, program: list[str]) -> Iterator[dict[str, str]]:
    """Those of a broker that runs, by the port that the file names."""
    child, ports = Child("Kafka", tmp_path / "broker.log"), dict[str, str]()

    def start() -> None:
        ports.update(zip(_PORTS, map(str, free_ports(len(_PORTS))), strict=True))
        _start(child, program, tmp_path / f"on-{ports['9092']}", ports)

    try:
        on_free_ports(start)
        yield ports
    finally:
        child.kill()


def _start(child: Child, program: Sequence[str], folder: Path, ports: Mapping[str, str]) -> None:
    folder.mkdir()
    properties = folder / "server.properties"
    properties.write_text(_properties(folder / "data", ports))
    cluster = ["--cluster-id", str(_ENVIRONMENT["CLUSTER_ID"])]
    run([*program, "kafka.tools.StorageTool", "format", *cluster, "--config", str(properties)], "Formatting storage")
    child.start([*program, "kafka.Kafka", str(properties)])
    child.await_answer(lambda: _answers(f"127.0.0.1:{ports['9092']}"), _START_TIMEOUT_S)


def _answers(address: str) -> bool:
    try:
        return bool(AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=10).brokers)
    except KafkaException:
        return False


@pytest.mark.kafka
def test_it_starts_and_takes_a_workers_topics_from_both_sides(ports: dict[str, str]) -> None:
    broker = f"127.0.0.1:{ports['9092']}"
    settings = Settings(broker=broker)

    ensure_topics(settings.broker, Channels.of(settings).specs(settings))

    (node,) = AdminClient({"bootstrap.servers": broker}).list_topics(timeout=60).brokers.values()
    assert f"{node.host}:{node.port}" == broker
    beside = f"127.0.0.1:{ports['19092']}"
    seen = AdminClient({"bootstrap.servers": beside}).list_topics(timeout=60)
    assert [f"{node.host}:{node.port}" for node in seen.brokers.values()] == [beside]
    assert settings.topic("student-activity") in seen.topics

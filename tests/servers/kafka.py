"""A real Apache Kafka: one node, broker and controller in one, on loopback, its data in a temporary folder.

Its settings are for tests: single replicas, no wait before a group's first assignment, no automatic topics (a
program must create its own), records up to 16 MiB, few internal partitions. A start takes about 6 s. After
`kill`, `restart` takes about 13 s: the node is let in again only when its former session has run out (9 s).
"""

import base64
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.servers.child import Child, on_free_ports, run
from tests.servers.jars import java, kafka_jars
from tests.servers.ports import accepts, free_ports

MAX_RECORD_BYTES = 16 * 1024 * 1024
_START_TIMEOUT_S = 90.0
_STOP_GRACE_S = 45.0

_SETTINGS = f"""\
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=2
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
message.max.bytes={MAX_RECORD_BYTES}
replica.fetch.max.bytes={MAX_RECORD_BYTES}
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=4
background.threads=2
"""

_HEAP = ["-Xms128m", "-Xmx512m"]
# What is over in a minute gains nothing from the optimising compiler: with it a start takes twice the CPU.
_QUICK = ["-XX:TieredStopAtLevel=1"]
_FORMATTING = [*_QUICK, "-Xmx256m", "-XX:+UseSerialGC"]
_LOGGING = [
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaConfig=warn",
]


class RealKafka:
    """A broker of one's own; entering starts it, leaving stops it and removes its data.

    `quick`: it starts soon, and is never as fast as it could be. Raises ServerMissing without Java or Maven,
    ServerFailed (with the log's tail) when it does not come up.
    """

    def __init__(self, *, quick: bool = True) -> None:
        self._java = java()
        self._jvm = [*_HEAP, *_QUICK] if quick else _HEAP
        self._classpath = f"{kafka_jars()}/*"
        self.folder = Path(tempfile.mkdtemp(prefix="skillstream-kafka-"))
        # A leading zero byte, because an id that began with "-" would read as an option on the command line.
        self.cluster_id = base64.urlsafe_b64encode(bytes(1) + secrets.token_bytes(15)).decode().rstrip("=")
        self._child = Child("Kafka", self.folder / "broker.log")
        self._port = self._controller = 0

    @property
    def bootstrap(self) -> str:
        """Address of the broker, the same over a restart."""
        return f"127.0.0.1:{self._port}"

    @property
    def alive(self) -> bool:
        """Whether the broker's process runs."""
        return self._child.alive

    def start(self, *, detached: bool = False, inherit: Sequence[int] = ()) -> None:
        """Formats fresh storage, blocks until the broker answers; `detached`, `inherit` as in Child.start."""

        def start() -> None:
            self._format()
            self._run(detached=detached, inherit=inherit)

        on_free_ports(start)

    def stop(self) -> None:
        """Stops in good order (SIGTERM); the data stay for `restart`."""
        self._child.stop(_STOP_GRACE_S)

    def kill(self) -> None:
        """Ends the broker at once (SIGKILL); the data stay for `restart`."""
        self._child.kill()

    def pause(self) -> None:
        """Freezes the broker (SIGSTOP) until `go_on`."""
        self._child.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._child.signal(signal.SIGCONT)

    def restart(self) -> None:
        """Brings the broker back on the same data and port, stopping it first when it runs."""
        self.stop()
        self._run()

    def release(self) -> int:
        """Leaves a detached broker running, with its folder, and returns its process id."""
        return self._child.release()

    def close(self) -> None:
        """Stops the broker and removes its data; never leaves the process behind."""
        try:
            self.stop()
        finally:
            self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _format(self) -> None:
        shutil.rmtree(self.folder / "kafka", ignore_errors=True)
        self._port, self._controller = free_ports(2)
        listeners = f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller}"
        self._format_node(self.folder, "broker,controller", 1, listeners, "--standalone")

    def format_broker(self, folder: Path, node: int, port: int) -> Path:
        """The storage of a further broker of this cluster, in `folder`; its properties, for `command`."""
        return self._format_node(folder, "broker", node, f"PLAINTEXT://127.0.0.1:{port}", "--no-initial-controllers")

    def command(self, properties: Path) -> list[str]:
        """What runs a node with these properties."""
        return [self._java, *self._jvm, *_LOGGING, "-cp", self._classpath, "kafka.Kafka", str(properties)]

    def _format_node(self, folder: Path, roles: str, node: int, listeners: str, option: str) -> Path:
        properties = folder / "server.properties"
        properties.write_text(
            f"{_SETTINGS}process.roles={roles}\nnode.id={node}\nlog.dirs={folder / 'kafka'}\n"
            f"listeners={listeners}\nadvertised.listeners={listeners}\n"
            f"controller.quorum.bootstrap.servers=127.0.0.1:{self._controller}\n"
        )
        tool = [self._java, *_FORMATTING, "-cp", self._classpath, "kafka.tools.StorageTool", "format"]
        arguments = [option, "--cluster-id", self.cluster_id, "--config", str(properties)]
        run([*tool, *arguments], "Formatting Kafka's storage")
        return properties

    def _run(self, *, detached: bool = False, inherit: Sequence[int] = ()) -> None:
        self._child.start(self.command(self._properties), detached=detached, inherit=inherit)
        self._child.await_answer(self._answers, _START_TIMEOUT_S)

    def _answers(self) -> bool:
        if not accepts(self._port):
            return False
        try:
            metadata = AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(timeout=2)
        except KafkaException:
            return False
        # A broker in start-up is not in its own metadata yet; a foreign cluster id is a foreign broker.
        return bool(metadata.brokers) and metadata.cluster_id == self.cluster_id

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"


if __name__ == "__main__":
    from tests.servers.shell import kafka

    sys.exit(kafka())

"""The broker of the benchmarks, and what it knows of a run: committed offsets, ends of topics, its own CPU time."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from tests.benchmarks.datasets import PARTITIONS, ROOT
from tests.servers.kafka import RealKafka

_ANSWER_S: Final = 10.0
_GONE_S: Final = 30.0
# A group waits a second for its members, so that two workers started together share the partitions from the first
# record on; deleted topics leave the disk at once, since a round writes several gigabytes.
_SETTINGS: Final = """\
group.initial.rebalance.delay.ms=1000
file.delete.delay.ms=1000
"""
_NOT_YET: Final = (
    "UNKNOWN_TOPIC_OR_PART",
    "_UNKNOWN_TOPIC",
    "LEADER_NOT_AVAILABLE",
    "NOT_LEADER_FOR_PARTITION",
)  # of a topic just made
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


class Broker(Protocol):
    """What contestants run against. `disposable`: used for one run, so that nothing has to be cleaned up."""

    disposable: bool

    @property
    def bootstrap(self) -> str: ...
    @property
    def pid(self) -> int: ...


class BenchKafka(RealKafka):
    """The tests' broker (a heap of 512 MiB: what it serves is in the page cache), with the settings above."""

    disposable = False

    def __init__(self) -> None:
        super().__init__(quick=False)

    def _format(self) -> None:
        super()._format()
        with self._properties.open("a") as properties:
            properties.write(_SETTINGS)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._child.pid


class Embedded:
    """The embedded broker in a process of its own, while the context is open."""

    disposable = True

    def __init__(self) -> None:
        self.bootstrap = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "agents.kafka.embedded"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.bootstrap = self._process.stdout.readline().decode().strip()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid if self._process else 0


class Watch:
    """What the broker says of one consumer group and of topics, asked while a run goes on."""

    def __init__(self, broker: str, group: str, topic: str) -> None:
        quiet: dict[str, str | int | float | bool] = {"bootstrap.servers": broker, "log_level": 0}
        self._admin = AdminClient(quiet)
        self._consumer = Consumer(quiet | {"group.id": group, "enable.auto.commit": False})  # never joins
        self._places = _places(topic)

    def committed(self) -> int:
        """Records that the group has committed, over all partitions; 0 before its first commit."""
        try:
            found = self._consumer.committed(self._places, timeout=_ANSWER_S)
        except KafkaException as error:  # the group has no coordinator before its first member
            if not error.args[0].retriable() and error.args[0].name() != "NOT_COORDINATOR":
                raise
            return 0
        return sum(max(0, place.offset) for place in found)

    def ends(self, topic: str) -> int:
        """Records in a topic that loses none, over all partitions; 0 while there is no such topic."""
        wanted = {place: OffsetSpec.latest() for place in _places(topic)}  # type: ignore[no-untyped-call]
        try:
            found = self._admin.list_offsets(wanted, request_timeout=_ANSWER_S)
            return sum(max(0, answer.result().offset) for answer in found.values())
        except KafkaException as error:
            if error.args[0].name() in _NOT_YET:
                return 0
            raise

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def delete_topics(broker: str, doomed: Callable[[str], bool]) -> None:
    """Delete every topic of a `doomed` name and return when they are gone."""
    admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})
    deadline_s = time.monotonic() + _GONE_S
    while names := [name for name in admin.list_topics(timeout=_ANSWER_S).topics if doomed(name)]:
        for answer in admin.delete_topics(names, operation_timeout=_ANSWER_S).values():
            try:
                answer.result(_ANSWER_S)
            except KafkaException as error:
                if error.args[0].name() not in ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"):
                    raise
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"topics that won't go: {', '.join(names)}")


def cpu_s(pids: Iterable[int]) -> float:
    """CPU time that living processes have taken so far, threads included. Linux: read from /proc; elsewhere 0."""
    return sum(map(_cpu_s, pids))


def _cpu_s(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS_A_SECOND


def _places(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for partition in range(PARTITIONS)]

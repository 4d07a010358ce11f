"""How long a student waits when the worker that owns the student's partition is killed, with and without a standby.

    python -m tests.benchmarks.standby [ROWS]        on a Kafka of its own

The changelog is filled with real rows first, so that two workers restore them as they would after a long life. One is
killed with SIGKILL while an event waits on each partition; what is timed ends when all are folded and committed. Most
of it is the session's timeout, until which nobody knows of the death.
"""

import re
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from confluent_kafka import Producer

from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed, owning_partition
from tests.agents.worker_process import WorkerProcess
from tests.benchmarks.memory import student_rows
from tests.servers.kafka import RealKafka

SESSION_TIMEOUT_S: Final = 6.0
_ROWS: Final = 200_000
_WAIT_S: Final = 300.0
_RESTORED: Final = re.compile(r"The table is restored: (\d+) rows, (\d+) records read in ([0-9.]+) s")


@dataclass(frozen=True, slots=True)
class Takeover:
    """One death. `folded_s`: from the kill until the waiting events were committed; `restored_s`: the part of it in
    which the survivor read `records_read` records of the changelog.
    """

    standbys: int
    rows: int
    folded_s: float
    restored_s: float
    records_read: int


def standby_takeover(rows: int = _ROWS) -> list[Takeover]:
    """Without a standby and with one, on a Kafka started for it. Blocks for some minutes."""
    with RealKafka(quick=False) as kafka:
        return [takeover(kafka.bootstrap, rows, standbys) for standbys in (0, 1)]


def takeover(broker: str, rows: int, standbys: int) -> Takeover:
    """Fill, start two, kill one."""
    with (
        TemporaryDirectory(prefix="skillstream-standby-") as folder,
        deployed(
            broker, Path(folder), standby_replicas=standbys, session_timeout_s=SESSION_TIMEOUT_S, start_timeout_s=120
        ) as deployment,
    ):
        _fill(deployment, rows)
        owner, survivor = deployment.start(instance_id="owner"), deployment.start(instance_id="survivor")
        until(lambda: [_figure(w, "partitions_owned") for w in (owner, survivor)] == [2, 2], "shared", _WAIT_S)
        least = rows if standbys else rows // 4
        until(lambda: all(_figure(w, "students") >= least for w in (owner, survivor)), "restored", _WAIT_S)
        return _kill(deployment, owner, survivor, rows, standbys)


def _kill(deployment: Deployment, owner: WorkerProcess, survivor: WorkerProcess, rows: int, standbys: int) -> Takeover:
    known = len(_RESTORED.findall(survivor.log))
    owner.kill()
    began_s = time.monotonic()
    deployment.send(_one_event_a_partition())
    until(lambda: deployment.lag() == 0, "the waiting events are folded", _WAIT_S)
    took_s = time.monotonic() - began_s
    held, read, restored_s = _RESTORED.findall(survivor.log)[known:][-1]
    assert int(held) >= rows, f"{held} of {rows} rows were taken over"
    return Takeover(standbys, rows, took_s, float(restored_s), int(read))


def _fill(deployment: Deployment, rows: int) -> None:
    producer = Producer({"bootstrap.servers": deployment.broker, "linger.ms": 50, "queue.buffering.max.messages": 0})
    left = iter(student_rows(rows))
    while part := list(islice(left, 10_000)):
        for key, row in part:
            producer.produce(deployment.changelog, row, key, owning_partition(key))
        assert producer.flush(60) == 0


def _one_event_a_partition() -> list[Sent]:
    waiting: dict[int, Sent] = {}
    for record in simulate(100, 2_000, seed=3, faults=0.0):
        sent = Sent(record.key, record.value)
        waiting.setdefault(sent.place, sent)
        if len(waiting) == PARTITIONS:
            break
    return list(waiting.values())


def _figure(worker: WorkerProcess, name: str) -> int:
    return int(worker.metrics().get(name, 0))


if __name__ == "__main__":
    for measured in standby_takeover(int(sys.argv[1]) if len(sys.argv) > 1 else _ROWS):
        sys.stdout.write(f"{measured}\n")

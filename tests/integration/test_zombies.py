"""Workers that were put out of their group while they were away, on a real Kafka: what they had queued never wins."""

import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from agents.delivery.faust.run import EXIT_FATAL
from streams.input.checkpoint import is_reserved
from streams.replay import FileRecord
from streams.rows.codec import decode_row
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.delivery_misbehaving import VARIABLE
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.servers.topics import empty

SESSION_S = 6.0  # a broker takes no less
STUDENTS = 60


def events(count: int, seed: int) -> Iterator[Sent]:
    return (Sent(record.key, record.value) for record in simulate(STUDENTS, count, seed))


def is_stopped(worker: WorkerProcess) -> bool:
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return "State:\tT" in status


def owned(worker: WorkerProcess) -> int:
    return int(worker.metrics().get("partitions_owned", 0))


def assert_exact(deployment: Deployment) -> None:
    deployment.await_caught_up()
    assert deployment.differences(deployment.replay()) == []


def student_rows(deployment: Deployment) -> list[FileRecord]:
    """All rows that were ever appended to the changelog, in each partition's order."""
    log = deployment.records(deployment.changelog)
    return [record for record in log if record.value is not None and not is_reserved(record.key or b"")]


def rows_behind_their_students(deployment: Deployment) -> list[bytes]:
    """Keys whose last row on the changelog is older than another row of theirs: what a zombie leaves behind."""
    best: dict[tuple[int, bytes], int] = {}
    last: dict[tuple[int, bytes], int] = {}
    for record in student_rows(deployment):
        address, offset = (record.partition, record.key or b""), decode_row(record.value or b"").offset
        best[address], last[address] = max(offset, best.get(address, -1)), offset
    assert last
    return [key for (partition, key), offset in last.items() if offset < best[partition, key]]


@pytest.mark.parametrize("moment", ["with a batch in the accumulator", "at any moment"])
def test_a_worker_stopped_for_longer_than_its_session_writes_nothing_more_and_ends(
    kafka: str, tmp_path: Path, moment: str
) -> None:
    with deployed(kafka, tmp_path, session_timeout_s=SESSION_S, max_batch_records=500) as deployment:
        by_itself = moment == "with a batch in the accumulator"
        program = "tests.agents.delivery_misbehaving" if by_itself else "agents.cli"
        workers = [deployment.start({VARIABLE: "paused"}, program), deployment.start()]
        until(lambda: [owned(worker) for worker in workers] == [2, 2], "two partitions each", 90.0)
        deployment.send(events(30_000, seed=1))
        if not by_itself:
            until(lambda: sum(deployment.committed()) > 1_000, "some commits", 60.0)
            workers[0].process.send_signal(signal.SIGSTOP)
        until(lambda: is_stopped(workers[0]), "stopped", 60.0)
        until(lambda: owned(workers[1]) == PARTITIONS, "all partitions taken over", 60.0)
        deployment.await_caught_up()
        deployment.send(events(2_000, seed=2))
        deployment.await_caught_up()
        log_ends = [deployment.end(deployment.changelog, partition) for partition in range(PARTITIONS)]
        workers[0].process.send_signal(signal.SIGCONT)

        assert workers[0].exit_code() == EXIT_FATAL
        assert "SessionLost" in workers[0].log
        assert [deployment.end(deployment.changelog, partition) for partition in range(PARTITIONS)] == log_ends
        assert_exact(deployment)
        assert rows_behind_their_students(deployment) == []
        deployment.start(program="agents.cli")
        deployment.send(events(2_000, seed=3))
        assert_exact(deployment)


def test_rows_that_another_appends_to_an_owned_changelog_are_written_again(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, session_timeout_s=SESSION_S, max_batch_records=500) as deployment:
        worker = deployment.start()
        deployment.send(events(3_000, seed=4))
        deployment.await_caught_up()
        first_rows = {(row.partition, row.key): row for row in reversed(student_rows(deployment))}
        stale = list(first_rows.values())[:20]
        zombie = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
        for record in stale:
            zombie.produce(deployment.changelog, record.value, record.key, record.partition)
        zombie.produce(deployment.changelog, None, stale[0].key, stale[0].partition)
        zombie.flush()
        until(lambda: worker.metrics().get("rows_repaired_total", 0) >= len(stale), "idle: repaired", 30.0)
        assert_exact(deployment)
        deployment.send(events(8_000, seed=5))
        until(lambda: deployment.lag() < 7_000, "under load", 30.0)
        for record in stale:
            zombie.produce(deployment.changelog, record.value, record.key, record.partition)
        zombie.flush()
        deployment.await_caught_up()
        until(lambda: rows_behind_their_students(deployment) == [], "under load: repaired, or overwritten", 60.0)
        assert_exact(deployment)
        assert "Another worker wrote to changelog partition" in worker.log


def test_a_second_worker_with_the_same_instance_id_ends_the_first_loudly(kafka: str, tmp_path: Path) -> None:
    with deployed(
        kafka, tmp_path, session_timeout_s=SESSION_S, max_batch_records=500, instance_id="twin"
    ) as deployment:
        first = deployment.start()
        first.await_ready()
        deployment.send(events(5_000, seed=6))
        second = deployment.start()

        assert first.exit_code() == EXIT_FATAL
        assert "another worker runs with the instance_id 'twin'" in first.log
        second.await_ready()
        deployment.send(events(2_000, seed=7))
        assert_exact(deployment)
        assert rows_behind_their_students(deployment) == []
        assert second.alive
        assert second.terminate() == 0


def test_a_changelog_that_ends_in_an_aborted_transaction_is_recovered(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, session_timeout_s=SESSION_S) as deployment:
        first = deployment.start()
        deployment.send(events(2_000, seed=8))
        deployment.await_caught_up()
        assert first.terminate() == 0
        aborted = Producer({"bootstrap.servers": kafka, "transactional.id": f"aborts-{uuid4().hex[:8]}"})
        aborted.init_transactions(30)
        aborted.begin_transaction()
        for partition in range(PARTITIONS):
            for _ in range(5):
                aborted.produce(deployment.changelog, b"never", b"happened", partition)
        aborted.flush(30)
        aborted.abort_transaction(30)

        second = deployment.start()
        second.await_ready()
        assert "hold no record" in second.log
        deployment.send(events(2_000, seed=9))
        deployment.await_caught_up()
        assert deployment.differences(deployment.replay()) == []
        assert second.metrics()["rows_repaired_total"] == 0


def test_an_emptied_changelog_does_not_hang_the_recovery(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, session_timeout_s=SESSION_S) as deployment:
        deployment.send(
            [Sent(b"key-%d" % number, b"old", number % PARTITIONS) for number in range(400)], deployment.changelog
        )
        empty(kafka, deployment.changelog, PARTITIONS)

        worker = deployment.start()
        worker.await_ready()
        deployment.send(events(2_000, seed=10))
        assert_exact(deployment)
        assert worker.metrics()["students"] == STUDENTS

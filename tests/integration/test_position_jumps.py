"""Retention that is faster than a worker is never silent: a real Kafka, with records deleted before they are read."""

import json
import signal
from pathlib import Path

from confluent_kafka import Producer

from streams.simulation import simulate
from tests.agents.delivery_cluster import await_no_fetch, until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.chaos.verdict import skillstream
from tests.servers.topics import delete_before

RECORDS = 800
CLASS = [Sent(record.key, record.value) for record in simulate(40, 4 * RECORDS, seed=11, faults=0.0)]


def overtake(deployment: Deployment) -> int:
    """Send a part of the class and delete a half of it; how many offsets are gone before anybody read them."""
    activity = deployment.channels.activity
    before = deployment.committed()
    deployment.send(CLASS[RECORDS : 2 * RECORDS])
    ends = [deployment.end(activity, partition) for partition in range(PARTITIONS)]
    cuts = {partition: (before[partition] + end) // 2 for partition, end in enumerate(ends)}
    delete_before(deployment.broker, activity, cuts)
    return sum(cuts[partition] - before[partition] for partition in range(PARTITIONS))


def folded(deployment: Deployment) -> WorkerProcess:
    """A worker that has folded the first part of the class, and committed it."""
    deployment.send(CLASS[:RECORDS])
    worker = deployment.start()
    worker.await_ready()
    deployment.await_caught_up()
    return worker


def pause(worker: WorkerProcess) -> None:
    worker.process.send_signal(signal.SIGSTOP)
    await_no_fetch()


def skipped(worker: WorkerProcess, topic: str) -> float:
    return worker.metrics().get(f'skipped_offsets_total{{topic="{topic}"}}', 0.0)


def test_a_running_worker_that_retention_overtakes_says_what_it_never_read(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, session_timeout_s=30) as deployment:
        worker = folded(deployment)
        pause(worker)
        lost = overtake(deployment)
        worker.process.send_signal(signal.SIGCONT)
        deployment.send(CLASS[2 * RECORDS : 3 * RECORDS])
        until(lambda: worker.metrics().get("consumer_lag_age_seconds", 99) < 9 and deployment.lag() == 0, "read", 90.0)

        assert skipped(worker, deployment.channels.activity) == lost
        assert worker.log.count("offsets were removed before they were read") == PARTITIONS
        problems = worker.get("/health").json["problems"]
        assert "offsets were removed before they were read" in problems["input"]
        assert worker.terminate() == 0
        verdict = json.loads(skillstream("verify", "--json", settings=deployment.given()).stdout.splitlines()[-1])
        assert (verdict["ok"], verdict["skipped_offsets"], verdict["lost"]) == (False, lost, 0)
        assert sum("skipped: the workers never read" in note for note in verdict["notes"]) == PARTITIONS


def test_a_worker_told_to_stop_at_a_jump_stops_before_it_folds_on_until_told_to_continue(
    kafka: str, tmp_path: Path
) -> None:
    with deployed(kafka, tmp_path, session_timeout_s=30, on_position_jump="stop") as deployment:
        worker = folded(deployment)
        before = deployment.committed()
        pause(worker)
        lost = overtake(deployment)
        worker.process.send_signal(signal.SIGCONT)
        assert worker.exit_code() == 4, worker.tail()
        assert "SKILLSTREAM_ON_POSITION_JUMP=continue" in worker.log.splitlines()[-1]
        again = deployment.start()
        assert again.exit_code() == 4, again.tail()
        assert deployment.committed() == before

        third = deployment.start(on_position_jump="continue")
        deployment.await_caught_up()
        assert skipped(third, deployment.channels.activity) == lost
        assert third.terminate() == 0


def test_markers_of_transactions_and_what_was_aborted_are_no_jumps(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, session_timeout_s=30, on_position_jump="stop") as deployment:
        worker = folded(deployment)
        producer = Producer({"bootstrap.servers": kafka, "transactional.id": deployment.name})
        producer.init_transactions(30)
        for number, each in enumerate(CLASS[RECORDS : RECORDS + 60]):
            producer.begin_transaction()
            producer.produce(deployment.channels.activity, each.value, each.key, each.place)
            producer.flush(30)
            (producer.commit_transaction if number % 2 else producer.abort_transaction)(30)
        deployment.send(CLASS[RECORDS + 60 : RECORDS + 100])
        deployment.await_caught_up()

        assert "position_jumps_total" not in "".join(name for name, value in worker.metrics().items() if value)
        assert worker.terminate() == 0

"""Garbage on the topics between workers, on a real Kafka: dead letters, and the students around it unharmed."""

from collections import Counter
from pathlib import Path

from confluent_kafka import Producer

from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed, owning_partition
from tests.chaos.verdict import skillstream
from tests.events import raw
from tests.garbage import LARGEST_KEY_BYTES, bad_requests, bad_results
from tests.servers.topics import configure

STUDENT = "ada"


def test_garbage_between_workers_comes_to_dead_letters_and_stops_nothing(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path) as deployment:
        requests, results = take_any_time(deployment), list(bad_results(owning_partition(STUDENT)))
        worker = deployment.start()
        worker.await_ready()

        deployment.send([Sent(STUDENT.encode(), raw(student=STUDENT, minute=1))])
        deployment.send(results, deployment.channels.results)
        send_zipped(deployment, requests)
        deployment.send([Sent(STUDENT.encode(), raw(student=STUDENT, minute=2))])
        deployment.await_caught_up()

        found = Counter((dead_letter.topic, dead_letter.reason) for _, dead_letter in deployment.dead_letters())
        assert found == {
            (deployment.channels.results, "not_a_result"): len(results),
            (deployment.channels.erasures, "not_a_student"): 4 * PARTITIONS,
            (deployment.channels.erasures, "absurd_timestamp"): PARTITIONS,
        }
        assert worker.events("applied") == 2
        assert deployment.differences(deployment.replay()) == []
        assert worker.terminate() == 0


def test_a_foreign_row_on_the_changelog_stops_a_start_until_the_table_is_rebuilt(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path) as deployment:
        deployment.send([Sent(STUDENT.encode(), raw(student=STUDENT, minute=1))])
        first = deployment.start()
        deployment.await_caught_up()
        assert first.terminate() == 0
        deployment.send([Sent(STUDENT.encode(), b"no row", owning_partition(STUDENT))], deployment.changelog)

        second = deployment.start()
        deployment.send([Sent(STUDENT.encode(), raw(student=STUDENT, minute=2))])

        assert second.exit_code() == 4
        assert "a stored row cannot be read" in second.log
        assert "`skillstream rebuild`" in second.log
        rebuilt = skillstream("rebuild", "--yes", settings=deployment.given())
        assert rebuilt.returncode == 0, rebuilt.stderr
        third = deployment.start()
        deployment.await_caught_up()
        assert third.events("applied") == 2
        assert third.terminate() == 0


def take_any_time(deployment: Deployment) -> list[Sent]:
    """Requests on each partition, which the topic takes whatever their time."""
    configure(deployment.broker, deployment.channels.erasures, {"message.timestamp.after.max.ms": str((1 << 63) - 1)})
    return [request for partition in range(PARTITIONS) for request in bad_requests(partition)]


def send_zipped(deployment: Deployment, requests: list[Sent]) -> None:
    """The topic has Kafka's default limit of a megabyte: a key of 13 MB comes compressed."""
    producer = Producer(
        {
            "bootstrap.servers": deployment.broker,
            "compression.type": "gzip",
            "message.max.bytes": 2 * LARGEST_KEY_BYTES,
        }
    )
    for request in requests:
        producer.produce(
            deployment.channels.erasures,
            request.value,
            request.key,
            request.place,
            timestamp=request.timestamp_ms,
        )
        assert producer.flush(60) == 0

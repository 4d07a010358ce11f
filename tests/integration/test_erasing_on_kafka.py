"""Erasing on a real Kafka: what a student said is gone from the brokers' own files."""

from itertools import count
from pathlib import Path
from typing import Final

import msgspec
import pytest

from agents.operations.erase.receipt import Receipt
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Sent, deployed
from tests.chaos.verdict import skillstream
from tests.events import raw
from tests.servers.kafka import RealKafka
from tests.servers.topics import configure

STUDENT: Final = "canary-student"
OTHERS: Final = [f"other-{number}" for number in range(16)]
OF_STUDENT: Final = (b"canary-class",)
SOON: Final = {
    "max.compaction.lag.ms": "1000",
    "min.compaction.lag.ms": "0",
    "segment.ms": "500",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "500",
}


@pytest.mark.long
def test_after_compaction_the_brokers_files_hold_nothing_that_was_said_of_an_erased_student(
    own_kafka: RealKafka, tmp_path: Path
) -> None:
    given = {"model": "none", "attention_topic": "attention", "compression": "none"}
    with deployed(own_kafka.bootstrap, tmp_path, **given) as deployment:
        worker = deployment.start()
        worker.await_ready()
        deployment.send(map(an_event, range(6)))
        deployment.await_caught_up()
        channels = deployment.channels
        published = [channels.updates, channels.history, channels.reasoning, channels.attention]
        for topic in (*published, deployment.changelog):
            configure(own_kafka.bootstrap, topic, SOON)
        assert words_in(own_kafka, deployment.changelog) == {*OF_STUDENT, STUDENT.encode()}

        numbers, receipt = count(), tmp_path / "receipt.json"
        asked = skillstream("erase", STUDENT, "--yes", "--receipt", str(receipt), settings=deployment.given())
        assert asked.returncode == 0, asked.stderr

        def is_gone() -> bool:
            number = next(numbers)  # only with a record that follows does a segment end
            deployment.send(Sent(other.encode(), raw(student=other, event_id=f"o{number}")) for other in OTHERS)
            for topic in published:
                deployment.send([Sent(b"other", None, partition=at) for at in range(PARTITIONS)], topic)
            in_published = set().union(*(words_in(own_kafka, topic) for topic in published))
            return in_published == set() and words_in(own_kafka, deployment.changelog) == {STUDENT.encode()}

        until(is_gone, "the student is gone from the published topics, and a tombstone row is left", 150.0)
        assert worker.alive, worker.tail()
        told = msgspec.json.decode(receipt.read_bytes(), type=Receipt)
        [erased] = told.erased
        assert {done.where for done in erased.done} == {*published, deployment.changelog}
        assert all(each.until != "not told by this broker" for each in told.remains)


def an_event(number: int) -> Sent:
    """Of no item that only this student has: an item's name stays, with the sums over it."""
    given = {"event_id": f"e{number}", "minute": number, "class_id": "canary-class"}
    return Sent(STUDENT.encode(), raw("attempt", STUDENT, score=number % 2, **given))


def words_in(broker: RealKafka, topic: str) -> set[bytes]:
    """What is of the student in the topic's segments, as they are on disk."""
    files = [file for folder in (broker.folder / "kafka").glob(f"{topic}-*") for file in folder.glob("*.log")]
    assert files, f"{topic} has no segment"
    content = [file.read_bytes() for file in files if file.exists()]
    return {word for word in (*OF_STUDENT, STUDENT.encode()) for each in content if word in each}

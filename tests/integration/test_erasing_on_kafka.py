"""Erasing on a real Kafka: what a student said is gone from the brokers' own files."""

from itertools import count
from pathlib import Path
from typing import Final

import msgspec
import pytest

from agents.operations.erase.receipt import Receipt
from schemas.dead_letter_content import read_content
from streams.replay import FileRecord
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Sent, deployed
from tests.chaos.verdict import skillstream
from tests.events import raw
from tests.servers.kafka import RealKafka
from tests.servers.topics import configure

STUDENT: Final = "canary-student"
OTHERS: Final = [f"other-{number}" for number in range(16)]
OF_STUDENT: Final = (b"canary-class",)
WHY: Final = b"canary-of-a-request"
BAD_OF_STUDENT: Final = [Sent(STUDENT.encode(), b"<canary-class/>")] * 2
BAD_OF_OTHERS: Final = [
    *[Sent(b"other", b"<bad/>")] * 3,
    *[Sent(None, b"<nobody/>", partition=at) for at in (0, 0, 1)],
    Sent(b"other", None),
    Sent(b"", b""),
]
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
    given = {"model": "none", "attention_topic": "attention", "compression": "none", "dead_letter_keys": "unique"}
    with deployed(own_kafka.bootstrap, tmp_path, **given) as deployment:
        worker = deployment.start()
        worker.await_ready()
        deployment.send([*map(an_event, range(6)), *BAD_OF_STUDENT, *BAD_OF_OTHERS])
        deployment.await_caught_up()
        channels = deployment.channels
        published = [channels.updates, channels.history, channels.reasoning, channels.attention]
        deployment.send([Sent(STUDENT.encode(), b'{"why":"%b"}' % WHY)], channels.erasures)
        for topic in (*published, deployment.changelog, channels.erasures):
            configure(own_kafka.bootstrap, topic, SOON)
        configure(own_kafka.bootstrap, channels.dead_letters, {"cleanup.policy": "compact,delete", **SOON})
        for topic in (channels.dead_letters, deployment.changelog):
            assert words_in(own_kafka, topic) == {*OF_STUDENT, STUDENT.encode()}
        assert words_in(own_kafka, channels.erasures) == {WHY, STUDENT.encode()}
        place = next(
            f"{at.partition}@{at.offset}" for at, _ in deployment.dead_letters() if b"canary" in (at.value or b"")
        )

        numbers, receipt = count(), tmp_path / "receipt.json"
        asked = skillstream("erase", STUDENT, "--yes", "--receipt", str(receipt), settings=deployment.given())
        assert asked.returncode == 0, asked.stderr

        def is_gone() -> bool:
            number = next(numbers)  # only with a record that follows does a segment end
            deployment.send(Sent(other.encode(), raw(student=other, event_id=f"o{number}")) for other in OTHERS)
            for topic in (*published, channels.erasures):
                deployment.send([Sent(b"other", None, partition=at) for at in range(PARTITIONS)], topic)
            deployment.send(Sent(b"other", b"<more/>", partition=at) for at in range(PARTITIONS))
            in_published = set().union(*(words_in(own_kafka, topic) for topic in (*published, channels.dead_letters)))
            left = [words_in(own_kafka, topic) for topic in (deployment.changelog, channels.erasures)]
            return in_published == set() and left == [{STUDENT.encode()}] * 2

        until(is_gone, "the student is gone, but for a tombstone row and the answer to the request", 150.0)
        assert worker.alive, worker.tail()
        deployment.await_caught_up()
        left = [dead_letter_of(record) for record, _ in deployment.dead_letters()]
        assert sorted(map(repr, (each for each in left if each[1] != b"<more/>"))) == sorted(
            repr((each.key, each.value)) for each in BAD_OF_OTHERS
        )
        shown = skillstream("dead-letters", "show", place, settings=deployment.given())
        assert (shown.returncode, "has no record at" in shown.stderr) == (1, True)
        verified = skillstream("verify", "--json", settings=deployment.given())
        said = msgspec.json.decode(verified.stdout)
        assert (said["differences"], said["notes"]) == ([], ["2 dead letters of students who were erased are gone"])
        told = msgspec.json.decode(receipt.read_bytes(), type=Receipt)
        [erased] = told.erased
        assert {done.where for done in erased.done} == {*published, deployment.changelog}
        assert "dead letters, erased: 2; on disk, once a record follows" in [each.what for each in told.remains]
        assert all(each.until != "not told by this broker" for each in told.remains)


def an_event(number: int) -> Sent:
    """Of no item that only this student has: an item's name stays, with the sums over it."""
    given = {"event_id": f"e{number}", "minute": number, "class_id": "canary-class"}
    return Sent(STUDENT.encode(), raw("attempt", STUDENT, score=number % 2, **given))


def dead_letter_of(record: FileRecord) -> tuple[bytes | None, bytes | None]:
    """Key and value of the record that it is about."""
    _, key, value = read_content(record.headers, record.key, record.value)
    return key, value


def words_in(broker: RealKafka, topic: str) -> set[bytes]:
    """What is of the student in the topic's segments, as they are on disk."""
    files = [file for folder in (broker.folder / "kafka").glob(f"{topic}-*") for file in folder.glob("*.log")]
    assert files, f"{topic} has no segment"
    content = [file.read_bytes() for file in files if file.exists()]
    return {word for word in (*OF_STUDENT, WHY, STUDENT.encode()) for each in content if word in each}

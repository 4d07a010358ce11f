"""A worker on the embedded broker marks what it folds, and refuses to fold on where the marks do not fit.

The embedded broker keeps no topic ids and deletes no topics: those are in tests/integration/test_recreated_topics.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace

from streams.input.checkpoint import MARK_KEY, Mark, checksum, decode_mark, encode_mark
from streams.rows.codec import decode_row
from streams.simulation import simulate
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed

CLASS = [Sent(record.key, record.value) for record in simulate(12, 600, seed=7, faults=0.0)]
ONLY_BAD_ON = 3
"""A partition on which no record can be read: it has no rows, but it was folded."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A deployment whose only worker has folded everything and stopped."""

    deployment: Deployment
    marks: dict[int, Mark]


def marks_of(deployment: Deployment) -> dict[int, Mark]:
    """The last mark of each partition."""
    found = (record for record in deployment.records(deployment.changelog) if record.key == MARK_KEY)
    return {record.partition: decode_mark(record.value or b"") for record in found}


def put_marks(deployment: Deployment, marks: dict[int, Mark]) -> None:
    producer = Producer({"bootstrap.servers": deployment.broker})
    for partition, mark in marks.items():
        producer.produce(deployment.changelog, encode_mark(mark), MARK_KEY, partition)
    assert producer.flush(10) == 0


def commit(deployment: Deployment, offsets: dict[int, int]) -> None:
    consumer = Consumer({"bootstrap.servers": deployment.broker, "group.id": deployment.name})
    places = [TopicPartition(deployment.channels.activity, p, offset) for p, offset in offsets.items()]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


@contextmanager
def run_once(broker: str, folder: Path) -> Iterator[Ran]:
    with deployed(broker, folder) as deployment:
        deployment.send(each for each in CLASS if each.place != ONLY_BAD_ON)
        deployment.send(Sent(b"any", b"no event", partition=ONLY_BAD_ON) for _ in range(3))
        worker = deployment.start()
        deployment.await_caught_up()
        assert worker.terminate() == 0
        yield Ran(deployment, marks_of(deployment))


@pytest.fixture(scope="module")
def ran(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    with run_once(broker, tmp_path_factory.mktemp("ran")) as once:
        yield once


def test_every_partition_remembers_its_last_record_and_how_many_rows_it_has(ran: Ran) -> None:
    deployment, table = ran.deployment, ran.deployment.table()
    last = {record.partition: record for record in deployment.records(deployment.channels.activity)}

    assert ran.marks.keys() == set(range(PARTITIONS))
    for partition, mark in ran.marks.items():
        record = last[partition]
        assert (mark.offset, mark.timestamp_ms) == (record.offset, record.timestamp)
        assert mark.checksum == checksum(record.value)
        assert mark.rows == table.count(partition)
        assert (mark.topic_id, mark.partitions, mark.epoch) == ("", PARTITIONS, 0)
    assert ran.marks[ONLY_BAD_ON].rows == 0


TAMPERED: dict[str, tuple[Callable[[Mark], Mark], str]] = {
    "another record stands there": (lambda mark: replace(mark, checksum=1), "skillstream adopt-topic"),
    "the input ends below": (lambda mark: replace(mark, offset=mark.offset + 1_000), "skillstream adopt-topic"),
    "rows are missing": (lambda mark: replace(mark, rows=mark.rows + 1), "skillstream rebuild"),
    "newest rows are missing": (lambda mark: replace(mark, offset=mark.offset - 1, checksum=None), "rebuild --rewind"),
    "partitions are missing": (lambda mark: replace(mark, partitions=8), "skillstream rebuild"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_worker_refuses_what_does_not_fit_and_says_what_to_do(ran: Ran, name: str) -> None:
    tamper, advice = TAMPERED[name]
    deployment = ran.deployment
    put_marks(deployment, ran.marks | {1: tamper(ran.marks[1])})
    before = len(deployment.records(deployment.changelog)), deployment.committed()

    worker = deployment.start()

    assert worker.exit_code() == 4
    assert f"{deployment.channels.activity}/1: " in worker.log
    assert advice in worker.log
    assert (len(deployment.records(deployment.changelog)), deployment.committed()) == before
    put_marks(deployment, ran.marks)


def test_an_epoch_raised_by_hand_is_refused(ran: Ran) -> None:
    worker = ran.deployment.start(epoch=1)

    assert worker.exit_code() == 4
    assert "unset SKILLSTREAM_EPOCH" in worker.log


def test_a_restart_goes_on_under_the_epoch_that_the_table_knows(broker: str, tmp_path: Path) -> None:
    with run_once(broker, tmp_path) as once:
        put_marks(once.deployment, {partition: replace(mark, epoch=3) for partition, mark in once.marks.items()})
        again = [Sent(each.key, (each.value or b"").replace(b'"sim-', b'"again-'), each.place) for each in CLASS[:40]]
        once.deployment.send(each for each in again if each.place != ONLY_BAD_ON)
        once.deployment.send([Sent(MARK_KEY, b"{}", partition=0)], once.deployment.channels.erasures)

        worker = once.deployment.start()
        once.deployment.await_caught_up()

        assert worker.terminate() == 0
        table = once.deployment.table()
        rows = [decode_row(row) for partition in range(PARTITIONS) for _, row in table.items(partition)]
        assert {row.epoch for row in rows} == {0, 3}
        marks = marks_of(once.deployment)  # nor did a request to forget the mark's own key reach it
        assert {mark.epoch for mark in marks.values()} == {3}
        assert sum(mark.offset - once.marks[p].offset for p, mark in marks.items()) > 0


def test_commits_without_a_changelog_are_never_a_silent_fresh_start(broker: str, tmp_path: Path) -> None:
    with deployed(broker, tmp_path) as deployment:
        deployment.send(CLASS)
        commit(deployment, {0: 5})

        worker = deployment.start()

        assert worker.exit_code() == 4
        assert "the changelog holds nothing of it" in worker.log
        assert "skillstream rebuild" in worker.log
        assert deployment.records(deployment.changelog) == []

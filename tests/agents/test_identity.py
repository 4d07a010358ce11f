"""A worker on the embedded broker marks what it folds, and refuses to fold on where the marks do not fit.

The embedded broker keeps no topic ids and deletes no topics: those are in tests/integration/test_recreated_topics.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace

from agents.delivery.faust.table import RowTable
from agents.kafka.changelog import Changelog
from agents.kafka.input_topic import InputTopic
from agents.kafka.topics import TopicSpec
from agents.worker.input_identity import InputIdentity
from agents.worker.position_jumps import Jump, PositionJumps
from streams.input.checkpoint import (
    CHECKPOINT_KEY,
    IdentityLost,
    InputCheckpoint,
    decode_checkpoint,
    encode_checkpoint,
    value_checksum,
)
from streams.norms.journal_keys import entry_key, page_key
from streams.rows.codec import decode_row
from streams.rows.segments import segment_key
from streams.rows.table import PartitionedRows
from streams.simulation import simulate
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed

CLASS = [Sent(record.key, record.value) for record in simulate(12, 600, seed=7, faults=0.0)]
ONLY_BAD_ON = 3
"""A partition on which no record can be read: it has no rows, but it was folded."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A deployment whose only worker has folded everything and stopped."""

    deployment: Deployment
    checkpoints: dict[int, InputCheckpoint]


def checkpoints_of(deployment: Deployment) -> dict[int, InputCheckpoint]:
    """The last mark of each partition."""
    found = (record for record in deployment.records(deployment.changelog) if record.key == CHECKPOINT_KEY)
    return {record.partition: decode_checkpoint(record.value or b"") for record in found}


def put_checkpoints(deployment: Deployment, checkpoints: dict[int, InputCheckpoint]) -> None:
    producer = Producer({"bootstrap.servers": deployment.broker})
    for partition, checkpoint in checkpoints.items():
        producer.produce(deployment.changelog, encode_checkpoint(checkpoint), CHECKPOINT_KEY, partition)
    assert producer.flush(60) == 0


def commit(deployment: Deployment, offsets: dict[int, int]) -> None:
    consumer = Consumer({"bootstrap.servers": deployment.broker, "group.id": deployment.name})
    places = [TopicPartition(deployment.channels.activity, p, offset) for p, offset in offsets.items()]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


@contextmanager
def run_once(broker: str, folder: Path) -> Iterator[Ran]:
    with deployed(broker, folder, model="none") as deployment:
        deployment.send(each for each in CLASS if each.place != ONLY_BAD_ON)
        deployment.send(Sent(b"any", b"no event", partition=ONLY_BAD_ON) for _ in range(3))
        worker = deployment.start()
        deployment.await_caught_up()
        assert worker.terminate() == 0
        yield Ran(deployment, checkpoints_of(deployment))


@pytest.fixture(scope="module")
def ran(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    with run_once(broker, tmp_path_factory.mktemp("ran")) as once:
        yield once


def test_every_partition_remembers_its_last_record_and_how_many_rows_it_has(ran: Ran) -> None:
    deployment, table = ran.deployment, ran.deployment.table()
    last = {record.partition: record for record in deployment.records(deployment.channels.activity)}

    assert ran.checkpoints.keys() == set(range(PARTITIONS))
    for partition, checkpoint in ran.checkpoints.items():
        record = last[partition]
        assert (checkpoint.offset, checkpoint.timestamp_ms) == (record.offset, record.timestamp)
        assert checkpoint.checksum == value_checksum(record.value)
        assert checkpoint.rows == table.count(partition)
        assert (checkpoint.topic_id, checkpoint.partitions, checkpoint.epoch) == ("", PARTITIONS, 0)
    assert ran.checkpoints[ONLY_BAD_ON].rows == 0


TAMPERED: dict[str, tuple[Callable[[InputCheckpoint], InputCheckpoint], str]] = {
    "another record stands there": (lambda checkpoint: replace(checkpoint, checksum=1), "skillstream adopt-topic"),
    "the input ends below": (
        lambda checkpoint: replace(checkpoint, offset=checkpoint.offset + 1_000),
        "skillstream adopt-topic",
    ),
    "rows are missing": (lambda checkpoint: replace(checkpoint, rows=checkpoint.rows + 1), "skillstream rebuild"),
    "newest rows are missing": (
        lambda checkpoint: replace(checkpoint, offset=checkpoint.offset - 1, checksum=None),
        "rebuild --rewind",
    ),
    "partitions are missing": (lambda checkpoint: replace(checkpoint, partitions=8), "skillstream rebuild"),
}


@dataclass(frozen=True, slots=True)
class Restored:
    """What a recovery made of the changelog, as far as the check looks at it."""

    checkpoints: dict[int, bytes]
    rows: PartitionedRows


async def check(deployment: Deployment, checkpoints: dict[int, InputCheckpoint], epoch: int = 0) -> None:
    """What a worker does after every recovery, on the topic and the group as they are."""
    topic = InputTopic(deployment.broker, deployment.name, deployment.channels.activity)
    restored = Restored(
        {partition: encode_checkpoint(checkpoint) for partition, checkpoint in checkpoints.items()}, deployment.table()
    )
    jumped: list[Jump] = []
    identity = InputIdentity(topic, cast(RowTable, restored), PositionJumps("continue", jumped.append), epoch=epoch)
    await identity.check(frozenset(checkpoints))
    assert jumped == []


def test_what_stands_beside_the_rows_is_counted_as_none_of_them(broker: str, ran: Ran) -> None:
    log = Changelog(broker, TopicSpec(f"{ran.deployment.name}-written", PARTITIONS))
    beside = [(entry_key(0), b"entry"), (page_key(0), b"page"), (segment_key(b"ada", 0), b"ids"), (b"ada", b"row")]
    log.make()
    log.write({0: beside}, {0: ran.checkpoints[0]})

    assert log.read().rows == {0: 1}
    assert decode_checkpoint(log.read().checkpoints[0]) == ran.checkpoints[0]


async def test_what_a_worker_left_passes_the_check(ran: Ran) -> None:
    await check(ran.deployment, ran.checkpoints)


@pytest.mark.parametrize("name", TAMPERED)
async def test_what_does_not_fit_is_refused_with_what_to_do(ran: Ran, name: str) -> None:
    tamper, advice = TAMPERED[name]

    with pytest.raises(IdentityLost) as refused:
        await check(ran.deployment, ran.checkpoints | {1: tamper(ran.checkpoints[1])})

    assert f"{ran.deployment.channels.activity}/1: " in str(refused.value)
    assert advice in str(refused.value)


async def test_an_epoch_raised_by_hand_is_refused(ran: Ran) -> None:
    with pytest.raises(IdentityLost, match="unset SKILLSTREAM_EPOCH"):
        await check(ran.deployment, ran.checkpoints, epoch=1)


def test_a_worker_that_refuses_ends_with_the_code_for_it_and_changes_nothing(ran: Ran) -> None:
    tamper, advice = TAMPERED["rows are missing"]
    deployment = ran.deployment
    put_checkpoints(deployment, ran.checkpoints | {1: tamper(ran.checkpoints[1])})
    before = len(deployment.records(deployment.changelog)), deployment.committed()

    worker = deployment.start()

    assert worker.exit_code() == 4
    assert f"{deployment.channels.activity}/1: " in worker.log
    assert advice in worker.log
    assert (len(deployment.records(deployment.changelog)), deployment.committed()) == before
    put_checkpoints(deployment, ran.checkpoints)


@pytest.mark.long
def test_a_restart_goes_on_under_the_epoch_that_the_table_knows(broker: str, tmp_path: Path) -> None:
    with run_once(broker, tmp_path) as once:
        put_checkpoints(
            once.deployment,
            {partition: replace(checkpoint, epoch=3) for partition, checkpoint in once.checkpoints.items()},
        )
        again = [Sent(each.key, (each.value or b"").replace(b'"sim-', b'"again-'), each.place) for each in CLASS[:40]]
        once.deployment.send(each for each in again if each.place != ONLY_BAD_ON)
        once.deployment.send([Sent(CHECKPOINT_KEY, b"{}", partition=0)], once.deployment.channels.erasures)

        worker = once.deployment.start()
        once.deployment.await_caught_up()

        assert worker.terminate() == 0
        table = once.deployment.table()
        rows = [decode_row(row) for partition in range(PARTITIONS) for _, row in table.items(partition)]
        assert {row.epoch for row in rows} == {0, 3}
        checkpoints = checkpoints_of(once.deployment)  # nor did a request to forget the mark's own key reach it
        assert {checkpoint.epoch for checkpoint in checkpoints.values()} == {3}
        assert sum(checkpoint.offset - once.checkpoints[p].offset for p, checkpoint in checkpoints.items()) > 0


def test_commits_without_a_changelog_are_never_a_silent_fresh_start(broker: str, tmp_path: Path) -> None:
    with deployed(broker, tmp_path, model="none") as deployment:
        deployment.send(CLASS)
        commit(deployment, {0: 5})

        worker = deployment.start()

        assert worker.exit_code() == 4
        assert "the changelog holds nothing of it" in worker.log
        assert "skillstream rebuild" in worker.log
        assert deployment.records(deployment.changelog) == []

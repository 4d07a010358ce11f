"""Topics deleted, created again, emptied or cut on a real Kafka: the worker refuses, and the command it names helps."""

import asyncio
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from agents.kafka.group import ConsumerGroup
from streams.norms.journal import NormJournal
from streams.replay import FileRecord, Replay, batches
from streams.rows.codec import decode_row
from streams.rows.table import PartitionedRows
from streams.simulation import simulate
from streams.verification.audit import compare
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed, owning_partition, pipeline
from tests.agents.journal_logs import journal_logs
from tests.agents.worker_process import WorkerProcess
from tests.chaos.verdict import skillstream
from tests.events import raw
from tests.servers.kafka import RealKafka
from tests.servers.topics import delete_before, recreate

EVENTS = 3_000
ERASED = "sim-00003"


def a_class(seed: int, events: int = EVENTS, tag: bytes = b"") -> list[Sent]:
    """Simulated events; those of two seeds have ids in common, those of two tags have not."""
    found = simulate(30, events, seed, faults=0.004)
    return [Sent(each.key, (each.value or b"").replace(b'"event_id":"', b'"event_id":"' + tag)) for each in found]


def disclosure(event_id: str) -> Sent:
    return Sent(b"sim-00004", raw("message", "sim-00004", event_id=event_id, text="I want to die"))


def run(deployment: Deployment, *arguments: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
    """A command of the program, told what the deployment's workers are told."""
    return skillstream(*arguments, settings=deployment.given(), answer=answer)


def fold_all(deployment: Deployment) -> None:
    """Run a worker until it has caught up, then stop it."""
    worker = deployment.start()
    until(lambda: not worker.alive or deployment.lag() == 0, "the worker has caught up", 120.0)
    assert worker.alive, worker.tail()
    assert worker.terminate() == 0, worker.tail()


def assert_refuses(deployment: Deployment, *said: str, instance_id: str = "") -> None:
    """A start ends with 4, folds and commits nothing, and says what to do."""
    before = deployment.table(), deployment.committed(), len(deployment.updates())
    worker = deployment.start(instance_id=instance_id)

    assert worker.exit_code() == 4, worker.tail()
    for each in said:
        assert each in worker.log, worker.tail()
    after = deployment.table(), deployment.committed(), len(deployment.updates())
    assert list(compare(after[0], before[0])) == []
    assert after[1:] == before[1:]


def replayed(deployment: Deployment, epoch: int, onto: PartitionedRows | None = None) -> Replay:
    """The topic that is there now, folded on top of the rows `onto`."""
    replay = Replay(pipeline("default", "default"), owning_partition=owning_partition, epoch=epoch)
    for partition in range(PARTITIONS if onto else 0):
        replay.rows.put_many(partition, dict(onto.items(partition)) if onto else {})
    found: defaultdict[int, list[FileRecord]] = defaultdict(list)
    for record in deployment.records(deployment.channels.activity):
        found[record.partition].append(record)
    for records in found.values():
        for batch in batches(records):
            asyncio.run(replay.feed(batch))
    return replay


def events_of(rows: PartitionedRows) -> int:
    return sum(decode_row(row).events for partition in rows.partitions() for _, row in rows.items(partition))


def journals(deployment: Deployment) -> list[NormJournal]:
    return [log.journal() for log in journal_logs(deployment).values()]


def answers_of(deployment: Deployment) -> int:
    return sum(int(each.sums().records["answers"].sum()) for each in journals(deployment))


@pytest.fixture
def ran(kafka: str, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment that has folded a class; no worker runs."""
    with deployed(kafka, tmp_path, attention_topic="attention") as deployment:
        deployment.send([*a_class(1), disclosure("first")])
        fold_all(deployment)
        assert deployment.differences(deployment.replay()) == []
        yield deployment


def test_a_topic_refilled_past_the_old_offsets_is_refused_until_it_is_adopted(ran: Deployment) -> None:
    old, topic = ran.table(), ran.channels.activity
    counted = answers_of(ran)
    recreate(ran.broker, ran.topic(topic))
    ran.send(a_class(2, 2 * EVENTS, tag=b"new-"))
    assert_refuses(ran, "deleted and created again", "skillstream adopt-topic")

    asked = run(ran, "adopt-topic", answer="n\n")
    assert (asked.returncode, ran.table().partitions()) == (130, old.partitions())
    assert_refuses(ran, "skillstream adopt-topic", instance_id="a member until its session runs out")
    adopted = run(ran, "adopt-topic", "--yes")
    assert adopted.returncode == 0, adopted.stderr
    assert "epoch 1" in adopted.stdout

    fold_all(ran)
    replay = replayed(ran, epoch=1, onto=old)
    assert list(compare(ran.table(), replay.rows)) == []
    assert replay.counts.applied > EVENTS
    assert events_of(ran.table()) == events_of(old) + replay.counts.applied
    assert replay.counts.replayed == 0
    assert answers_of(ran) > counted
    assert {(each.epoch, each.begin) for each in journals(ran)} == {(0, -1)}, "sums stay, as rows do"

    ran.send(a_class(3, 500, tag=b"more-"))  # and it goes on, with no setting changed
    fold_all(ran)
    assert list(compare(ran.table(), replayed(ran, epoch=1, onto=old).rows)) == []


def test_a_topic_that_is_recreated_under_a_running_worker_stops_it(ran: Deployment) -> None:
    worker = ran.start()
    worker.await_ready()

    recreate(ran.broker, ran.topic(ran.channels.activity))

    assert worker.exit_code() == 4, worker.tail()
    assert "skillstream adopt-topic" in worker.log


def test_a_topic_with_fewer_partitions_is_refused(ran: Deployment) -> None:
    recreate(ran.broker, replace(ran.topic(ran.channels.activity), partitions=2))

    worker = ran.start()

    assert worker.exit_code() == 4
    assert "has 2 partitions, 4 are needed" in worker.log
    assert "skillstream rebuild" in worker.log
    recreate(ran.broker, ran.topic(ran.channels.activity))  # as the deployment's own reading of it expects


def test_a_deleted_changelog_is_refused_until_it_is_rebuilt(ran: Deployment) -> None:
    ahead_ms = time.time_ns() // 1_000_000 + 40 * 60_000
    ran.send([Sent(ERASED.encode(), raw(student=ERASED, event_id="ahead"), timestamp_ms=ahead_ms)])
    ran.send([Sent(ERASED.encode(), b"{}")], ran.channels.erasures)
    fold_all(ran)
    recreate(ran.broker, ran.topic(ran.changelog))
    assert_refuses(ran, "the changelog holds nothing of it", "skillstream rebuild")

    rebuilt = run(ran, "rebuild", "--yes")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "nothing is lost" in rebuilt.stdout
    fold_all(ran)

    table, replay = ran.table(), replayed(ran, epoch=1)
    assert {each.student for each in compare(table, replay.rows)} == {ERASED}
    tombstone = table.get(owning_partition(ERASED), ERASED.encode())
    assert tombstone is not None
    assert (decode_row(tombstone).events, decode_row(tombstone).erased_us > 0) == (0, True)
    ran.send([disclosure("second")])
    fold_all(ran)
    assert [orjson.loads(value)["event_id"] for value in ran.attention()] == ["first", "second"]


@pytest.mark.parametrize("left", [0, 3], ids=["emptied", "truncated"])
def test_a_changelog_that_lost_rows_is_refused_until_it_is_rebuilt(ran: Deployment, left: int) -> None:
    ends = {partition: ran.end(ran.changelog, partition) for partition in range(PARTITIONS)}
    delete_before(ran.broker, ran.changelog, {partition: end - left for partition, end in ends.items()})
    assert_refuses(ran, "skillstream rebuild")

    rebuilt = run(ran, "rebuild", answer="y\n")
    assert rebuilt.returncode == 0, rebuilt.stderr
    fold_all(ran)

    assert list(compare(ran.table(), replayed(ran, epoch=1).rows)) == []
    said = {update.student_id: update.seq for update in ran.updates()}
    assert {epoch for epoch, _offset in said.values()} == {1}


def test_a_rebuild_says_what_retention_has_taken(ran: Deployment) -> None:
    recreate(ran.broker, ran.topic(ran.changelog))
    delete_before(ran.broker, ran.channels.activity, {0: 10, 1: 20})

    rebuilt = run(ran, "rebuild", "--yes")

    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "LOST" in rebuilt.stdout
    assert f"{ran.channels.activity}/1: the first 20 offsets" in rebuilt.stdout
    fold_all(ran)
    assert list(compare(ran.table(), replayed(ran, epoch=1).rows)) == []


def test_a_group_ahead_of_its_table_is_rewound_and_nothing_is_lost(ran: Deployment) -> None:
    ran.send(a_class(4, 500, tag=b"unread-"))
    ends = {partition: ran.end(ran.channels.activity, partition) for partition in range(PARTITIONS)}
    group = ConsumerGroup(ran.broker, ran.name)
    group.require_idle(wait_s=20)
    group.set_offsets(ran.channels.activity, ends)
    assert_refuses(ran, "skillstream rebuild --rewind")

    rewound = run(ran, "rebuild", "--rewind")
    assert rewound.returncode == 0, rewound.stderr
    assert "500 offsets" in rewound.stdout
    fold_all(ran)

    assert ran.differences(ran.replay()) == []


def test_commands_leave_a_running_or_a_sound_deployment_alone(ran: Deployment) -> None:
    sound = run(ran, "adopt-topic", "--yes"), run(ran, "rebuild", "--rewind")
    worker: WorkerProcess = ran.start()
    worker.await_ready()
    running = [run(ran, *command) for command in (["adopt-topic", "--yes"], ["rebuild", "--yes"])]

    assert [each.returncode for each in sound] == [1, 1]
    assert [each.returncode for each in running] == [4, 4]
    assert all("stop all workers first" in each.stderr for each in running)
    assert worker.terminate() == 0
    assert ran.differences(ran.replay()) == []


def test_members_can_be_asked_for_on_a_broker_that_has_only_just_started(own_kafka: RealKafka) -> None:
    """librdkafka's own request may end the process at such a moment (see agents.kafka.group_members)."""
    began_s = time.monotonic()

    ConsumerGroup(own_kafka.bootstrap, "never-seen", timeout_s=90).require_idle()

    assert time.monotonic() - began_s < 90

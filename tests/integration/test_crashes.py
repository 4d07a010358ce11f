"""Workers killed in mid-run on a real Kafka: what is restored from the changelog equals an offline replay, exactly."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import click
import msgspec
import pytest

from schemas.attention import AttentionRecord
from schemas.dialects import decode
from schemas.event import Message, Reflection
from streams.replay import Replay
from streams.rows.codec import decode_row
from streams.simulation import simulate
from streams.texts.disclosure import disclosures_in
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed, pipeline
from tests.agents.worker_process import WorkerProcess

EVENTS = 50_000
STUDENTS = 120
SEEDS = (1, 2, 3, 4, 5)
OFTEN: dict[str, Any] = {"max_batch_records": 1_000, "attention_topic": "attention"}


def a_class(seed: int) -> Iterator[Sent]:
    """Simulated events, some broken or repeated, and one in 500 on a partition that is not its student's; one text in
    ten may disclose harm, and its repeats.
    """
    rng = Random(seed)
    for record in simulate(STUDENTS, EVENTS, seed, faults=0.004):
        value = record.value
        if value is not None and re.search(rb'"event_id":"[^"]*0"', value):
            value = value.replace(b'"text":"', b'"text":"I want to die. ')
        yield Sent(record.key, value, partition=rng.randrange(PARTITIONS) if rng.random() < 0.002 else None)


def folded_but_not_committed(deployment: Deployment) -> int:
    """Records whose rows are on the changelog, beyond what the group has committed: what a restart reads again."""
    table, committed = deployment.table(), deployment.committed()
    reached = [
        max((decode_row(stored).offset + 1 for _, stored in table.items(partition)), default=0)
        for partition in range(PARTITIONS)
    ]
    return sum(max(0, to - at) for to, at in zip(reached, committed, strict=True))


def kill_at_random(worker: WorkerProcess, rng: Random) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        worker.exit_code(timeout_s=rng.uniform(0, 0.9))
    worker.kill()


def assert_exact(deployment: Deployment) -> Replay:
    """The table equals the replay, and every event of the topic is applied, ignored, a repeat or a dead letter."""
    ours = pipeline("default", "default").config_version
    updates = deployment.updates()
    assert {update.config_version for update in updates} == {ours}, "the model was replaced in mid-test"
    replay = deployment.replay()
    assert deployment.differences(replay) == []

    counts = replay.counts
    rows = [decode_row(stored) for partition in range(PARTITIONS) for _, stored in deployment.table().items(partition)]
    assert counts.replayed == 0
    assert counts.events_in == counts.applied + counts.ignored + counts.duplicates + counts.dead_lettered
    assert counts.events_in == counts.records_in - counts.rerouted
    assert counts.applied == sum(row.events for row in rows)
    dead_letters = {(dead_letter.partition, dead_letter.offset) for _, dead_letter in deployment.dead_letters()}
    assert len(dead_letters) == counts.dead_lettered
    said = {update.student_id: update.seq for update in updates}
    assert len(said) == len(rows)
    assert sorted(said.values()) == sorted((row.epoch, row.offset) for row in rows)
    assert_reported(deployment)
    return replay


def assert_reported(deployment: Deployment) -> None:
    """Every text that may disclose harm has a record, and nothing else has."""
    found = [msgspec.json.decode(value, type=AttentionRecord) for value in deployment.attention()]
    texts = {
        (event.student_id, event.event_id)
        for record in deployment.records(deployment.channels.activity)
        for event in decode(record).events
        if isinstance(event, Message | Reflection) and disclosures_in(event.text)
    }
    assert {(each.student_id, each.event_id) for each in found} == texts
    assert len(texts) > 50
    assert len({each.attention_id for each in found}) == len(texts)


@pytest.mark.parametrize("seed", SEEDS)
def test_kill_nine_in_mid_run_and_a_restart_leave_every_student_exact(kafka: str, tmp_path: Path, seed: int) -> None:
    rng = Random(f"kill/{seed}")
    with deployed(
        kafka, tmp_path, instance_id="one", max_batch_records=1_000, attention_topic="attention"
    ) as deployment:
        deployment.send(a_class(seed))
        first = deployment.start()
        least = rng.uniform(0.02, 0.5) * EVENTS
        until(lambda: sum(deployment.committed()) >= least, "some commits", 90.0)
        kill_at_random(first, rng)

        committed, ahead = sum(deployment.committed()), folded_but_not_committed(deployment)
        click.echo(f"seed {seed}: killed with {committed} of {EVENTS} committed, {ahead} folded beyond that")
        assert 0 < committed < EVENTS, "killed at a moment that proves nothing"
        assert ahead > 0, "killed just after a commit: nothing is read again"

        second = deployment.start()
        deployment.await_caught_up()
        assert second.events("replayed") > 0
        replay = assert_exact(deployment)
        assert replay.counts.records_in >= EVENTS


def test_a_worker_takes_over_from_one_that_was_killed(kafka: str, tmp_path: Path) -> None:
    slowly = OFTEN | {"max_batch_records": 100}  # or two workers have done it all before one is killed
    with deployed(kafka, tmp_path, **slowly) as deployment:
        workers = [deployment.start(), deployment.start()]
        until(lambda: [w.metrics().get("partitions_owned") for w in workers] == [2, 2], "two partitions each", 90.0)
        deployment.send(a_class(11))
        until(lambda: sum(deployment.committed()) >= EVENTS // 10, "some commits", 60.0)
        kill_at_random(workers[0], Random("take over"))
        assert sum(deployment.committed()) < EVENTS, "killed too late to prove anything"

        until(lambda: workers[1].metrics().get("partitions_owned") == PARTITIONS, "all partitions taken over", 60.0)
        deployment.await_caught_up()

        assert_exact(deployment)
        assert workers[1].terminate() == 0

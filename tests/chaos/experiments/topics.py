"""The input topic deleted and created again: its offsets are not the ones that the table remembers.

Students keep what the old topic said of them, which nobody can fold again. So verify cannot judge all; the stories
count the events themselves.
"""

from dataclasses import replace

from agents.kafka.topics import TopicSpec
from tests.agents.deployment import Sent
from tests.chaos.accounts import events_in_rows
from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene
from tests.servers.topics import recreate


@experiment("topic-refilled", partly_judged=True)
def topic_refilled_past_the_old_offsets(scene: Scene) -> None:
    """The input topic recreated, and refilled past the old offsets: no event may be skipped as already seen."""
    folded = _fold(scene)
    recreate(scene.kafka.bootstrap, _topic(scene))
    _go_on(scene, folded)


@experiment("topic-fewer-partitions", partly_judged=True)
def topic_with_fewer_partitions(scene: Scene) -> None:
    """The input topic recreated with half of the partitions: refused with 4, saying how many are needed."""
    folded = _fold(scene)
    recreate(scene.kafka.bootstrap, replace(_topic(scene), partitions=2))
    one = scene.workers[0]
    one.start()
    said = scene.await_refusal(one)
    assert "has 2 partitions, 4 are needed" in said, f"it does not say what is wrong:\n{said}"
    recreate(scene.kafka.bootstrap, _topic(scene))
    _go_on(scene, folded)


@experiment("restored-from-backup", partly_judged=True)
def restored_from_a_backup(scene: Scene) -> None:
    """Input and changelog lost with their cluster; the newest records of the changelog put back: students keep all."""
    folded = _fold(scene)
    backup = newest_records(scene)
    for topic in (scene.deployment.channels.activity, scene.deployment.changelog):
        recreate(scene.kafka.bootstrap, scene.deployment.topic(topic))
    scene.deployment.send(backup, scene.deployment.changelog)
    _go_on(scene, folded)


def newest_records(scene: Scene) -> list[Sent]:
    """Of each key of the changelog, as compaction leaves them and a mirror copies them."""
    records = scene.deployment.records(scene.deployment.changelog)
    last = {(record.partition, record.key): record for record in records}
    return [Sent(record.key, record.value, partition=place) for (place, _), record in last.items()]


def _fold(scene: Scene) -> int:
    """Let two workers fold the whole topic and stop them. Returns how many events that were."""
    scene.two_workers()
    scene.send(scene.events(3_000))
    scene.await_caught_up()
    scene.stop_all()
    return scene.deployment.replay().counts.applied


def _topic(scene: Scene) -> TopicSpec:
    return scene.deployment.topic(scene.deployment.channels.activity)


def _go_on(scene: Scene, folded: int) -> None:
    """The topic is refilled; a worker refuses, what it says is done; every event of it is added to the `folded`."""
    one, two = scene.workers
    scene.send(scene.events(6_000))
    one.start()
    scene.refused(one)
    one.start()
    two.start()
    with scene.load():
        scene.await_recovery(dict.fromkeys(scene.offsets.committed(), 0))
    scene.await_caught_up()
    scene.stop_all()
    due = folded + scene.deployment.replay().counts.applied
    found = sum(events_in_rows(scene.deployment.table()).values())
    assert found == due, f"{found} events are in the rows, {due} were applied"

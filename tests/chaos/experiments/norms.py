"""Norms under fire: sums of items between two sends of a step, snapshots between two pieces, topics that are spoilt."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Final

from confluent_kafka import KafkaException

from agents.norms.snapshot_log import SnapshotLog, WrittenSnapshot
from streams.input.checkpoint import CHECKPOINT_KEY
from streams.norms.snapshot import NormSnapshot
from tests.agents.deployment import PARTITIONS
from tests.agents.journal_logs import journal_logs
from tests.chaos.experiment import experiment
from tests.chaos.fault import Call, Deed, Fault
from tests.chaos.scene import START_TIMEOUT_S, Scene
from tests.chaos.supervised import Supervised
from tests.chaos.verdict import verdict_of
from tests.garbage import bad_shards, bad_snapshots, items_of_their_own
from tests.servers.topics import delete, make_again

SMALL_GROUPS: Final = "tests.agents.small_groups"
STEP_EVENTS: Final = 1_500
KNOWN_EVENTS: Final = 10_000
FEW_ITEMS: Final = 1_000
GARBAGE_ITEMS: Final = 12_000
AWAY_S: Final = 3.0
_SENDS: Final[Sequence[tuple[Call, Deed, int]]] = (
    ("changelog", "kill before", 20),
    ("changelog", "kill after", 20),
    ("output", "kill before", 3),
    ("commit", "kill before", 1),
)
"""Where to strike, and how late at most: the first step of a run has more sends than that."""


@experiment("norms-between-batches")
def killed_between_two_sends_of_a_step(scene: Scene) -> None:
    """kill -9 between any two sends of a step of many record batches; after each one, verify judges all sums."""
    scene.deployment.defaults = {**scene.deployment.defaults, "reasoning": "off"}
    due = [_anywhere(scene.rng) for _ in range(max(3, scene.rounds))]
    worker = scene.worker([run for fault in due for run in (fault, None)], SMALL_GROUPS, instance_id="one")
    torn = 0
    for number, fault in enumerate(due, start=1):
        if number > 1:
            worker.start()
        scene.send(scene.events(STEP_EVENTS))
        scene.await_deaths(worker, number, f"the worker kills itself: {fault}")
        torn += _ends_within_a_step(scene)
        scene.await_caught_up()
        scene.stop_all()
        verdict = verdict_of(scene.deployment)
        assert verdict.ok, f"after {fault}: {verdict}"
        assert not verdict.unjudged_sums, f"after {fault}: {verdict.unjudged_sums}"
    assert torn, "every kill was between two steps: this proves nothing"


@experiment("norms-merger-killed")
def killed_between_two_pieces(scene: Scene) -> None:
    """kill -9 of the maker of snapshots, before a piece, a manifest or a shard: a newer one comes, and is whole."""
    kinds = (Fault("norms", "kill before", 2), Fault("norms", "kill before", 1), Fault("shards", "kill before", 3))
    due = kinds * min(scene.rounds, 4)
    workers = [scene.worker(due, instance_id=name) for name in ("one", "two")]
    scene.await_shares(workers, START_TIMEOUT_S)
    with scene.load():
        for number in range(1, len(due) + 1):
            _await_deaths(scene, workers, number)
            _await_newer(scene)
        for worker in workers:
            worker.faults.clear()
            worker.kill()
        scene.await_recovery()
        _await_in_force(scene, workers)


@experiment("norms-garbage")
def anybody_writes_to_the_topics_of_norms(scene: Scene) -> None:
    """Garbage, foreign, damaged, cut snapshots and shards under load: none is used, newer ones come. One is killed."""
    channels = scene.deployment.channels
    workers = scene.two_workers()
    with scene.load():
        for _ in range(min(scene.rounds, 3)):
            newest = _await_newer(scene)
            scene.deployment.send(bad_snapshots(scene.rng, newest), channels.norms)
            scene.deployment.send(bad_shards(scene.rng, scene.deployment.name, PARTITIONS), channels.norm_shards)
            _await_in_force(scene, workers)
        refused = [worker.sum_of("norms_refused_total{") for worker in workers]
        assert all(refused), f"a worker does not count what it refused: {refused}"
        assert not any(worker.restarts for worker in workers), "a worker ended of garbage"
        workers[0].kill()
        scene.await_recovery()
        _await_in_force(scene, workers)


@experiment("norms-garbage-ids")
def each_event_names_an_item_of_its_own(scene: Scene) -> None:
    """An item of its own in each event of a producer: counted, within bounds, no item of two students displaced."""
    workers = scene.two_workers(norm_items=FEW_ITEMS)
    scene.send(scene.events(KNOWN_EVENTS))
    scene.await_caught_up()
    before = _answers(scene)
    assert len(before) > 60 * PARTITIONS, "hardly an item was answered by two: this proves nothing"
    with scene.load():
        scene.send(items_of_their_own(GARBAGE_ITEMS))
        scene.until(
            lambda: all(worker.sum_of("norm_items_given_up{") for worker in workers),
            "each worker says that items had no room",
        )
        newest = _await_newer(scene)
    scene.await_caught_up()
    after = _answers(scene)
    lost = [item for item, answers in before.items() if after.get(item, 0) < answers]
    assert not lost, f"{len(lost)} items of several students lost answers to garbage"
    assert not any(name.startswith(b"garbage") for name in newest.items["name"].tolist())


@experiment("norms-topic-gone")
def the_topics_of_norms_are_deleted(scene: Scene) -> None:
    """The topics of norms deleted under load and made again: no worker ends, scores go on, norms are made again."""
    channels = scene.deployment.channels
    workers = scene.two_workers()
    with scene.load():
        for name in (channels.norms, channels.norm_shards):
            _await_newer(scene)
            delete(scene.kafka.bootstrap, name)
            scene.run_for(AWAY_S)
            scene.await_recovery()
            make_again(scene.kafka.bootstrap, scene.deployment.topic(name))
            _await_in_force(scene, workers)
    assert not any(worker.ended for worker in workers), "a worker ended of it"


def _anywhere(rng: Random) -> Fault:
    call, deed, latest = rng.choice(_SENDS)
    return Fault(call, deed, rng.randint(1, latest))


def _await_deaths(scene: Scene, workers: Sequence[Supervised], count: int) -> None:
    scene.until(lambda: sum(worker.deaths for worker in workers) >= count, "a worker kills itself at what it sends")


def _ends_within_a_step(scene: Scene) -> bool:
    """Whether a partition of the changelog ends with something else than the checkpoint that ends a step."""
    last = {record.partition: record.key for record in scene.deployment.records(scene.deployment.changelog)}
    return any(key != CHECKPOINT_KEY for key in last.values())


def _answers(scene: Scene) -> Mapping[tuple[int, int], int]:
    """How many there are to each item that two students answered at least, by partition and item."""
    return {
        (partition, int(each["item"])): int(each["answers"])
        for partition, log in journal_logs(scene.deployment).items()
        for each in log.journal().sums().records
        if each["students"] > 1
    }


def _newest(scene: Scene) -> NormSnapshot | None:
    """The whole snapshot of the highest number, as a worker that starts now would find it."""
    noted = SnapshotLog().note_all(scene.deployment.records(scene.deployment.channels.norms))
    written = [each for each in noted if isinstance(each, WrittenSnapshot)]
    for each in sorted(written, key=lambda each: -each.manifest.number):
        with suppress(ValueError):
            return each.read(scene.deployment.name)
    return None


def _await_newer(scene: Scene) -> NormSnapshot:
    """The first whole snapshot on the topic whose number is higher than those of now."""
    now = _newest(scene)
    found: list[NormSnapshot] = []

    def is_newer() -> bool:
        with suppress(KafkaException):  # a topic that was only just made
            newest = _newest(scene)
            if newest is not None and (now is None or newest.number > now.number):
                found.append(newest)
        return bool(found)

    scene.until(is_newer, f"norms after {'none' if now is None else f'number {now.number}'} are made")
    return found[0]


def _await_in_force(scene: Scene, workers: Sequence[Supervised]) -> None:
    """Return when norms that are made from now on are in force in all workers."""
    newest = _await_newer(scene)
    scene.until(
        lambda: all(worker.metric("norms_number") >= newest.number for worker in workers),
        f"norms {newest.number} are in force in all workers",
    )

"""What producers write where only workers should: headers of ours, unsigned."""

from dataclasses import replace
from typing import Final

from schemas.dead_letter import REINSERTED_HEADER
from streams.input.origin import ORIGIN_HEADER
from tests.agents.deployment import PARTITIONS, Sent, owning_partition
from tests.chaos.experiment import experiment
from tests.chaos.load import a_class
from tests.chaos.scene import Scene

EVENTS: Final = 4_000
SLICES: Final = 8


@experiment("forged-headers")
def headers_that_only_look_like_ours(scene: Scene) -> None:
    """Half of all events say that they were forwarded from afar or sent back, on any partition. A worker is killed."""
    one, _two = scene.two_workers()
    records = list(a_class(f"{scene.rng.random()}", EVENTS))
    sent = [_forged(scene, record) if number % 2 else record for number, record in enumerate(records)]
    for start in range(0, len(sent), EVENTS // SLICES):
        scene.send(sent[start : start + EVENTS // SLICES])
        scene.tend()
        if not one.restarts and one.process.alive:
            one.kill()
    scene.await_caught_up()
    table = scene.deployment.table()
    strays = [
        key
        for partition in range(PARTITIONS)
        for key, _ in table.items(partition)
        if owning_partition(key) != partition
    ]
    assert strays == [], "a forged origin made a row on a foreign partition"


def _forged(scene: Scene, record: Sent) -> Sent:
    origin = f"{scene.deployment.channels.activity}/{scene.rng.randrange(PARTITIONS)}/{10**15}/0"
    headers = ((ORIGIN_HEADER, origin.encode()), (REINSERTED_HEADER, b"student-activity/0@1;0"))
    return replace(record, partition=scene.rng.randrange(PARTITIONS), headers=headers)

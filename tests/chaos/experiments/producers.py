"""What producers do: each its own way to place a key, or none; records that nobody can read."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from agents.kafka.connection import CODECS
from schemas.dead_letter_packing import unpack
from schemas.topics import MAX_RECORD_BYTES
from tests.agents.deployment import Sent
from tests.chaos.experiment import experiment
from tests.chaos.load import a_class
from tests.chaos.scene import START_TIMEOUT_S, Scene
from tests.servers.topics import configure

EVENTS_EACH: Final = 2_500
SLICES: Final = 10
POISON: Final = 6_000
OVERHEAD_BYTES: Final = 256
"""More than what a batch of one record adds to it."""
NO_LIMIT: Final[dict[str, object]] = {"dead_letter_max_ratio": 1, "dead_letter_max_consecutive": 0}


@experiment("mixed-partitioners")
def every_producer_places_keys_its_own_way(scene: Scene) -> None:
    """murmur2, crc32, random and keyless producers at once: students on all partitions. A worker is killed."""
    one, _two = scene.two_workers()
    classes = [a_class(f"{scene.rng.random()}", EVENTS_EACH) for _ in range(4)]
    producers = [
        _librdkafka(scene, "consistent_random"),
        _librdkafka(scene, "random"),
        _librdkafka(scene, "random", keyless=True),
    ]
    for slices in zip(*(_sliced(each) for each in classes), strict=True):
        for send, records in zip(producers, slices[1:], strict=True):
            send(records)
        asyncio.run(_murmur2(scene, slices[0]))
        scene.tend()
        if not one.restarts and one.process.alive:
            one.kill()
    scene.await_caught_up()
    assert scene.outcomes("rerouted") > EVENTS_EACH, "hardly an event was on a foreign partition"


@experiment("compressed")
def every_codec_at_once(scene: Scene) -> None:
    """Producers of all codecs at once, topics that have one of their own, workers that write two: one is killed."""
    for topic, codec in ((scene.deployment.changelog, "lz4"), (scene.deployment.channels.updates, "gzip")):
        configure(scene.kafka.bootstrap, topic, {"compression.type": codec})
    one, two = scene.worker(compression="snappy", instance_id="one"), scene.worker(instance_id="two")
    scene.until(lambda: (one.owns, two.owns) == (2, 2), "two workers own two partitions each", START_TIMEOUT_S)
    producers = [scene.producing(**{"compression.type": codec}) for codec in CODECS]
    for _ in range(scene.rounds):
        for _ in range(SLICES):
            for producer in producers:
                producer.produce(scene.events(EVENTS_EACH // SLICES))
            for producer in producers:
                producer.flush()
            scene.tend()
        if one.process.alive:
            one.kill()
        scene.await_caught_up()


@experiment("largest-dead-letter")
def as_large_as_a_record_may_be(scene: Scene) -> None:
    """A record of the largest size that the topic takes, unreadable: its dead letter holds all its bytes."""
    scene.two_workers()
    key = b"sim-00001"
    largest = Sent(key, scene.rng.randbytes(MAX_RECORD_BYTES - len(key) - OVERHEAD_BYTES))
    with scene.load():
        scene.send([largest])
        scene.await_recovery()
    scene.await_caught_up()
    dead_letters = {unpack(dead_letter, one.key, one.value)[1] for one, dead_letter in scene.deployment.dead_letters()}
    assert largest.value in dead_letters


@experiment("poison-burst")
def a_bad_deploy_of_a_producer(scene: Scene) -> None:
    """Only unreadable records: workers stop with 4, and do not drain them until the limit is raised."""
    workers = scene.two_workers()
    scene.send(scene.events(2_000))
    scene.await_caught_up()
    scene.send(Sent(event.key, b"{" + (event.value or b"")) for event in scene.events(POISON))
    scene.await_refusal(*workers)
    drained = len(scene.deployment.dead_letters())
    assert drained < POISON / 2, f"{drained} of {POISON} were drained into dead letters"
    for worker in workers:
        worker.start(**NO_LIMIT)
    scene.await_caught_up()
    assert len(scene.deployment.dead_letters()) >= POISON


def _sliced(records: Iterable[Sent]) -> Iterator[list[Sent]]:
    """Ten parts."""
    remaining = iter(records)
    while part := list(islice(remaining, EVENTS_EACH // SLICES)):
        yield part


def _librdkafka(scene: Scene, partitioner: str, *, keyless: bool = False) -> Callable[[Iterable[Sent]], None]:
    options = {"bootstrap.servers": scene.kafka.bootstrap, "partitioner": partitioner}
    producer = Producer(options | {"sticky.partitioning.linger.ms": 0})

    def send(records: Iterable[Sent]) -> None:
        for record in records:
            producer.produce(scene.deployment.channels.activity, record.value, None if keyless else record.key)
        assert producer.flush(30) == 0

    return send


async def _murmur2(scene: Scene, records: Iterable[Sent]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=scene.kafka.bootstrap)
    async with producer:
        sent = [await producer.send(scene.deployment.channels.activity, r.value, r.key) for r in records]
        await asyncio.gather(*sent)

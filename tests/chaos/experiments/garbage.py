"""Records that nobody sends in good order, on the topics between workers."""

from confluent_kafka import Producer

from tests.agents.deployment import PARTITIONS, Sent
from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene
from tests.garbage import LARGEST_KEY_BYTES, bad_requests, bad_results
from tests.servers.topics import configure


@experiment("garbage-on-internal-topics")
def anybody_writes_to_internal_topics(scene: Scene) -> None:
    """Garbage on reasoning-results and erasures under load: dead letters, and no worker ends. One is then killed."""
    channels = scene.deployment.channels
    for topic in (channels.erasures, channels.results):
        configure(scene.kafka.bootstrap, topic, {"message.timestamp.after.max.ms": str((1 << 63) - 1)})
    one, two = scene.two_workers()
    sent = 0
    with scene.load():
        for _ in range(min(scene.rounds, 3)):
            for partition in range(PARTITIONS):
                sent += _zipped(scene, channels.results, [*bad_results(partition)])
                sent += _zipped(scene, channels.erasures, [*bad_requests(partition)])
            scene.await_recovery()
    scene.await_caught_up()
    assert not one.restarts + two.restarts, "a worker ended of garbage"
    one.kill()
    with scene.load():
        scene.await_recovery()
    scene.await_caught_up()
    found = {
        (dead_letter.topic, dead_letter.partition, dead_letter.offset)
        for _, dead_letter in scene.deployment.dead_letters()
        if dead_letter.topic != channels.activity
    }
    assert len(found) == sent, f"{sent} records of garbage, {len(found)} dead letters about them"


def _zipped(scene: Scene, topic: str, records: list[Sent]) -> int:
    """Compressed, so that a key of 13 MB fits through the default limits; how many there were."""
    size = {"message.max.bytes": 2 * LARGEST_KEY_BYTES}
    producer = Producer({"bootstrap.servers": scene.kafka.bootstrap, "compression.type": "gzip", **size})
    for one in records:
        producer.produce(topic, one.value, one.key, one.place, timestamp=one.timestamp_ms)
        assert producer.flush(60) == 0
    return len(records)

"""Records that are small on the wire and large when unpacked."""

from typing import Final

import orjson
from confluent_kafka import Producer

from schemas.dead_letter_packing import unpack
from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene

BOMBS: Final = 24
BOMB_BYTES: Final = 12_500_000
ARRAYS: Final = 40
STUDENTS_EACH: Final = 2_500
MAX_GROWTH_BYTES: Final = 600 * 1024 * 1024


@experiment("amplification")
def small_on_the_wire(scene: Scene) -> None:
    """Gzipped records of 12.5 MB, and arrays of thousands of students: dead letters of kilobytes, memory bounded."""
    one, two = scene.two_workers()
    scene.send(scene.events(1_000))
    scene.await_caught_up()
    before = [worker.process.peak_bytes for worker in (one, two)]
    with scene.load():
        for _ in range(min(scene.rounds, 3)):
            _send_zipped(scene, [b"[" + b"0," * (BOMB_BYTES // 2) + b"0]"] * BOMBS)
            _send_zipped(scene, [_array(number) for number in range(ARRAYS)])
            scene.await_recovery()
    scene.await_caught_up()
    after = [worker.process.peak_bytes for worker in (one, two)]
    grown = max(now - then for now, then in zip(after, before, strict=True))
    assert grown < MAX_GROWTH_BYTES, f"a worker grew by {grown / 1024**2:.0f} MiB"
    assert not one.restarts + two.restarts, "a worker ended"
    dead_letters = [
        (record, dead_letter) for record, dead_letter in scene.deployment.dead_letters() if dead_letter.encoding
    ]
    assert len(dead_letters) >= BOMBS + ARRAYS
    for record, dead_letter in dead_letters:
        assert len(record.value or b"") < 200_000
        assert unpack(dead_letter, record.key, record.value)[1], "nothing is left of the record"


def _array(number: int) -> bytes:
    """Statements of more students than a record may be about."""
    return orjson.dumps(
        [
            {
                "actor": {"mbox": f"mailto:{number}-{student}@school.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": "urn:school:quiz"},
            }
            for student in range(STUDENTS_EACH)
        ]
    )


def _send_zipped(scene: Scene, values: list[bytes]) -> None:
    options = {"compression.type": "gzip", "message.max.bytes": 2 * BOMB_BYTES}
    producer = Producer({"bootstrap.servers": scene.kafka.bootstrap} | options)
    for number, value in enumerate(values):
        producer.produce(scene.deployment.channels.activity, value, b"sim-%05d" % number)
        assert producer.flush(60) == 0

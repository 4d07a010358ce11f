"""Compression through a whole worker, on an embedded broker: of what it reads and writes, and what is broken."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from agents.kafka.changelog import Changelog
from agents.kafka.connection import CODECS, Compression
from agents.kafka.unpacking import CheckedBatches
from tests.agents.command import run_here
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed, owning_partition
from tests.agents.environment import environment
from tests.agents.record_batches import garbled, of_codec, packed, send_as_it_is
from tests.events import raw

pytestmark = pytest.mark.long

STUDENTS = [f"s{number}" for number in range(8)]


def send(deployment: Deployment, codec: Compression, count: int = 20, event_ids: str = "") -> None:
    """Valid events of all students, in batches of that codec."""
    producer = Producer({"bootstrap.servers": deployment.broker, "compression.type": codec, "linger.ms": 50})
    for number in range(count):
        student = STUDENTS[number % len(STUDENTS)]
        value = raw(student=student, event_id=f"{event_ids or codec}-{number}", minute=number)
        producer.produce(deployment.channels.activity, value, student, owning_partition(student))
    assert producer.flush(60) == 0


@pytest.fixture
def deployment(broker: str, tmp_path: Path) -> Iterator[Deployment]:
    with deployed(broker, tmp_path, model="none") as made:
        yield made


@pytest.fixture
def odd(broker: str, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment on whose topics others write what is no message: they are not validated."""
    made = Deployment(broker, tmp_path, {"model": "none"})
    made.make_topics()
    yield made
    for worker in made.workers:
        worker.end()


def test_batches_of_every_codec_are_applied_and_restored_whoever_wrote_them(deployment: Deployment) -> None:
    """That a worker writes in every codec is in tests/integration/test_compression_on_kafka.py."""
    for codec in CODECS:
        send(deployment, codec)
    first = deployment.start(compression="snappy")
    deployment.await_caught_up()
    assert first.events("applied") == 20 * len(CODECS)
    assert deployment.dead_letters() == []
    assert first.terminate() == 0, first.tail()

    table = deployment.table()
    rows = [(partition, key, row) for partition in range(PARTITIONS) for key, row in table.items(partition)]
    assert len(rows) == len(STUDENTS) > len(CODECS)
    for number, (partition, key, row) in enumerate(rows):  # as a worker of another setting would have written them
        batch = packed([row], CODECS[number % len(CODECS)], key=key)
        asyncio.run(send_as_it_is(deployment.broker, deployment.changelog, partition, batch))

    second = deployment.start(compression="none")
    second.await_ready()
    send(deployment, "gzip", event_ids="again")
    deployment.await_caught_up()

    assert second.events("applied") == 20
    assert deployment.differences(deployment.replay()) == []
    assert second.terminate() == 0, second.tail()


def test_a_batch_that_nobody_can_unpack_is_a_dead_letter_and_stops_nothing(odd: Deployment) -> None:
    student = STUDENTS[0]
    place = owning_partition(student)
    bomb = packed([b"\0" * 20_000_000], "zstd")
    garbage = garbled(packed([raw(student=student, event_id="lost")] * 3, "zstd"))
    strange = of_codec(packed([raw(student=student, event_id="strange")]), 7)
    good = [Sent(student.encode(), raw(student=student, event_id=f"good-{number}", minute=number)) for number in (1, 2)]
    odd.send(good[:1])
    last = [
        asyncio.run(send_as_it_is(odd.broker, topic, place, batch)) + records - 1
        for topic, batch, records in (
            (odd.channels.activity, garbage, 3),
            (odd.channels.activity, strange, 1),
            (odd.channels.activity, bomb, 1),
            (odd.channels.results, garbage, 3),
            (odd.channels.erasures, garbage, 3),
        )
    ]
    odd.send(good[1:])
    first = odd.start(batch_max_unpacked_mb=16)
    odd.await_caught_up()
    assert first.events("applied") == 2
    assert first.metrics()["batches_too_large_total"] >= 1, "fetched again, it is counted again"
    assert first.terminate() == 0, first.tail()

    second = odd.start()
    second.await_ready()
    odd.send([Sent(student.encode(), raw(student=student, event_id="good-3", minute=3))])
    odd.await_caught_up()

    found = Counter(
        (dead_letter.topic, dead_letter.offset, dead_letter.reason) for _, dead_letter in odd.dead_letters()
    )
    activity, results, erasures = (odd.channels.sources[number] for number in (0, 1, 2))
    assert found == {
        (activity, last[0], "unreadable_batch"): 1,
        (activity, last[1], "unreadable_batch"): 1,
        (activity, last[2], "unreadable_batch"): 1,
        (results, last[3], "not_a_result"): 1,
        (erasures, last[4], "unreadable_batch"): 1,
    }, "each once, a restart behind it included"
    [kept] = [record.value for record, dead_letter in odd.dead_letters() if dead_letter.offset == last[1] > 2]
    assert kept is not None
    assert kept[61:] == strange[61:], "the batch's own bytes"
    said = first.log
    assert f"{activity}/{place}: a record batch of offsets {last[0] - 2} to {last[0]}, compression zstd" in said
    assert second.events("applied") == 1
    assert second.terminate() == 0, second.tail()


def test_a_changelog_that_cannot_be_unpacked_stops_the_worker_with_what_to_do(odd: Deployment) -> None:
    send(odd, "none")
    first = odd.start()
    odd.await_caught_up()
    assert first.terminate() == 0
    asyncio.run(send_as_it_is(odd.broker, odd.changelog, 1, garbled(packed([b"row " * 20], "lz4"))))

    second = odd.start()

    assert second.exit_code() == 4
    assert f"{odd.changelog}/1@" in second.tail()
    assert "compression lz4, cannot be unpacked" in second.tail()
    assert "skillstream rebuild" in second.tail()
    contents = Changelog(odd.broker, odd.topic(odd.changelog)).read()  # as that command does
    assert sum(contents.rows.values()) == len(STUDENTS)


@pytest.mark.parametrize("redaction", ["off", "hash"])
def test_verify_is_exact_and_commands_go_through_where_batches_cannot_be_unpacked(
    odd: Deployment, monkeypatch: pytest.MonkeyPatch, redaction: str
) -> None:
    monkeypatch.setattr(CheckedBatches, "most_bytes", CheckedBatches.most_bytes)  # what the command sets is undone
    student = STUDENTS[0]
    place = owning_partition(student)
    three = [raw(student=student, event_id=f"lost-{number}") for number in range(3)]
    unreadable = [garbled(packed(three, "lz4")), of_codec(packed(three), 7), garbled(packed(three))]
    read_by_librdkafka = [packed([b" " * 20_000_000 + three[0]], codec) for codec in ("gzip", "zstd")]
    for number, batch in enumerate([*unreadable, *read_by_librdkafka]):
        odd.send([Sent(student.encode(), raw(student=student, event_id=f"good-{number}", minute=number))])
        asyncio.run(send_as_it_is(odd.broker, odd.channels.activity, place, batch))
    asyncio.run(send_as_it_is(odd.broker, odd.channels.erasures, place, unreadable[0]))
    odd.send([Sent(STUDENTS[1].encode(), b"{}")], odd.channels.erasures)
    worker = odd.start(batch_max_unpacked_mb=16, dead_letter_redaction=redaction)
    odd.await_caught_up()
    assert worker.terminate() == 0, worker.tail()
    around = environment(odd.given(batch_max_unpacked_mb=16))

    verified = run_here(around, "verify", "--json")

    report = verified.lines[-1]
    assert report["differences"] == []
    assert verified.code == 0, verified.text
    assert (report["applied"], report["dead_lettered"]) == (5, 5)
    [note] = [note for note in report["notes"] if "batches" in note]
    assert note == "6 record batches were passed over that cannot be unpacked, or only to more than is allowed"

    examined = run_here(around, "doctor", "--timeout", "60")
    assert "partitioner" in examined.text
    assert "cannot be read" not in examined.text + examined.err
    replayed = run_here(around, "dead-letters", "replay", "--dry-run", "--policy", "drop")
    assert replayed.code == 0, replayed.err

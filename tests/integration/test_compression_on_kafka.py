"""Compression on a real Kafka: producers of every codec, topics with a codec of their own, and every reader of them."""

import asyncio
from pathlib import Path
from random import Random

import orjson
import pytest
from confluent_kafka import Producer

from agents.kafka.connection import CODECS, Compression
from schemas.dead_letter_packing import unpack
from schemas.topics import MAX_RECORD_BYTES
from tests.agents.deployment import Deployment, Sent, deployed, owning_partition
from tests.agents.record_batches import packed, send_as_it_is
from tests.chaos.verdict import skillstream, verdict_of
from tests.events import raw
from tests.servers.topics import configure

STUDENTS = 5
EVENTS = 50


def send(deployment: Deployment, codec: Compression, name: str) -> None:
    """Valid events in one codec's batches, keyed and placed as a platform's producer does it."""
    producer = Producer(
        {
            "bootstrap.servers": deployment.broker,
            "partitioner": "murmur2_random",
            "compression.type": codec,
            "linger.ms": 50,
        }
    )
    for number in range(EVENTS):
        student = f"s{number % STUDENTS}"
        value = raw(student=student, event_id=f"{name}-{number}", minute=number)
        producer.produce(deployment.channels.activity, value, student)
    assert producer.flush(20) == 0


def test_valid_events_of_every_codec_are_applied_and_verified(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, model="none") as deployment:
        worker = deployment.start()
        worker.await_ready()
        for codec in CODECS:
            send(deployment, codec, codec)
        deployment.await_caught_up()

        assert worker.events("applied") == EVENTS * len(CODECS)
        assert worker.terminate() == 0, worker.tail()
        verdict = verdict_of(deployment)
        assert verdict.ok, str(verdict)


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "none"])
def test_topics_of_a_codec_are_read_by_every_reader(kafka: str, tmp_path: Path, codec: Compression) -> None:
    """`compression.type` on all topics, whatever was sent: the worker, a second run, verify, the commands."""
    with deployed(kafka, tmp_path, model="none", compression="none") as deployment:
        for spec in deployment.topics:
            configure(kafka, spec.name, {"compression.type": codec})
        first = deployment.start()
        first.await_ready()
        send(deployment, "none", "first")
        deployment.send([Sent(b"s1", b"no event", owning_partition("s1"))])
        deployment.send([Sent(b"s2", b"{}", owning_partition("s2"))], deployment.channels.erasures)
        deployment.send([Sent(b"s3", b"no result", owning_partition("s3"))], deployment.channels.results)
        deployment.await_caught_up()
        assert first.terminate() == 0, first.tail()

        second = deployment.start()
        second.await_ready()
        send(deployment, "none", "second")
        deployment.await_caught_up()
        assert second.events("applied") == EVENTS
        assert second.terminate() == 0, second.tail()

        verdict = verdict_of(deployment)
        assert verdict.ok, str(verdict)
        given = deployment.given()
        listed = skillstream("dead-letters", "list", "--json", settings=given)
        assert sorted(orjson.loads(line)["reason"] for line in listed.stdout.splitlines()) == [
            "not_a_result",
            "not_json",
        ]
        replayed = skillstream("dead-letters", "replay", "--policy", "drop", "--yes", settings=given)
        assert replayed.returncode == 0, replayed.stderr
        examined = skillstream("doctor", settings=given)
        assert "zstd: each is packed and unpacked" in " ".join(examined.stdout.split()), examined.stdout
        rebuilt = skillstream("rebuild", "--yes", settings=given)
        assert rebuilt.returncode == 0, rebuilt.stderr

        third = deployment.start(epoch=1)
        deployment.await_caught_up()
        assert third.terminate() == 0, third.tail()


def test_a_table_is_verified_and_rebuilt_though_batches_unpack_to_more_than_librdkafka_takes(
    kafka: str, tmp_path: Path
) -> None:
    """What nobody can unpack at all, which Kafka refuses, is in tests/agents/test_compression.py."""
    student, gone = b"s1", b"s2"
    bomb = packed([b"\0" * 200_000_000], "zstd", key=student)
    with deployed(kafka, tmp_path, model="none") as deployment:
        deployment.send([Sent(each, raw(student=each.decode(), event_id="before")) for each in (student, gone)])
        for topic in (deployment.channels.activity, deployment.channels.erasures):
            asyncio.run(send_as_it_is(kafka, topic, owning_partition(student), bomb))
        deployment.send([Sent(gone, b"{}")], deployment.channels.erasures)
        deployment.send([Sent(student, raw(student="s1", event_id="behind", minute=1))])
        first = deployment.start()
        deployment.await_caught_up()
        assert first.terminate() == 0, first.tail()
        verdict = verdict_of(deployment)
        assert verdict.ok, str(verdict)

        rebuilt = skillstream("rebuild", "--yes", settings=deployment.given())
        assert rebuilt.returncode == 0, rebuilt.stderr
        second = deployment.start()
        deployment.await_caught_up()
        assert second.events("applied") == 2
        assert second.terminate() == 0, second.tail()
        verdict = verdict_of(deployment)
        assert verdict.ok, str(verdict)


@pytest.mark.parametrize("codec", CODECS)
def test_the_largest_dead_letter_fits_whatever_the_codec_makes_of_it(
    kafka: str, tmp_path: Path, codec: Compression
) -> None:
    """Twelve MiB that no codec makes smaller, and as many that all do."""
    dense = b"\xff" + _noise(MAX_RECORD_BYTES - 200)
    loose = b"x" * (MAX_RECORD_BYTES - 200)
    with deployed(kafka, tmp_path, model="none", compression=codec) as deployment:
        deployment.send(
            [Sent(b"a", dense, 0), Sent(b"a", loose, 0), Sent(b"a", raw(student="a"), owning_partition("a"))]
        )
        worker = deployment.start()
        worker.await_ready()
        deployment.await_caught_up()

        dead_letters = [
            unpack(dead_letter, record.key, record.value) for record, dead_letter in deployment.dead_letters()
        ]
        assert set(dead_letters) == {(b"a", dense), (b"a", loose)}
        assert worker.events("applied") == 1
        assert worker.terminate() == 0, worker.tail()


def _noise(size_bytes: int) -> bytes:
    return Random(7).randbytes(size_bytes)

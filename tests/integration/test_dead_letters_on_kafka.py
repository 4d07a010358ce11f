"""Replays of dead letters on a real Kafka, with real transactions: killed at each step, and yet nothing comes twice."""

import signal
from collections import Counter
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.dead_letter import REINSERTED_HEADER
from schemas.dead_letter_packing import unpack
from streams.input.signature import SIGNATURE_HEADER
from tests.agents.dead_letter_commands import Planted, dead_letters, dead_letters_process, plant
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed
from tests.agents.test_verify import verify
from tests.contract.caliper_events import ADA, FORUM, QUIZ, caliper, envelope
from tests.events import raw

EXIT_TIMEOUT_S = 60

# A producer that ends its process, or waits to be told, at its second transaction; what was produced is sent before.
_AT_THE_SECOND = """
import os, signal, sys
import agents.kafka.clients as clients

class Producer(clients._Producer):
    commits = 0

    def send_offsets_to_transaction(self, *arguments):
        if "sent" == "{at}" and self.commits == 1:
            self.end()
        super().send_offsets_to_transaction(*arguments)

    def commit_transaction(self, *arguments):
        if "offsets" == "{at}" and self.commits == 1:
            self.end()
        super().commit_transaction(*arguments)
        self.commits += 1
        if "committed" == "{at}" and self.commits == 2:
            self.end()

    def end(self):
        self.flush(30)
        sys.stderr.write("here\\n")
        sys.stderr.flush()
        {then}

clients._Producer = Producer
"""
_DIE = "os.kill(os.getpid(), signal.SIGKILL)"
_WAIT = "sys.stdin.read()"


def planted(deployment: Deployment, count: int) -> list[bytes]:
    """Dead letters that can be read now, all of one student; far more events than a row remembers the ids of."""
    values = [raw(event_id=f"e{n}", minute=n / 100) for n in range(count)]
    channel = deployment.channels.activity
    plant(deployment, [Planted(channel, n % PARTITIONS, n, value) for n, value in enumerate(values)])
    return values


def activity(deployment: Deployment) -> Counter[bytes | None]:
    """What a worker would read: committed transactions only."""
    return Counter(record.value for record in deployment.records(deployment.channels.activity))


def written(deployment: Deployment) -> int:
    """Offsets of the activity topic that were taken, by whatever."""
    return sum(deployment.end(deployment.channels.activity, partition) for partition in range(PARTITIONS))


def group_offsets(deployment: Deployment) -> list[int]:
    consumer = Consumer({"bootstrap.servers": deployment.broker, "group.id": f"{deployment.name}-dead-letters"})
    places = [TopicPartition(deployment.channels.dead_letters, partition) for partition in range(PARTITIONS)]
    try:
        return [place.offset for place in consumer.committed(places, timeout=30)]
    finally:
        consumer.close()


@pytest.mark.parametrize("at", ["sent", "offsets", "committed"])
def test_a_replay_that_is_killed_and_run_again_applies_every_event_once(kafka: str, tmp_path: Path, at: str) -> None:
    with deployed(kafka, tmp_path) as deployment:
        values = planted(deployment, 300)
        with dead_letters_process(
            deployment, "replay", "--yes", before=_AT_THE_SECOND.format(at=at, then=_DIE)
        ) as killed:
            assert killed.wait(EXIT_TIMEOUT_S) == -signal.SIGKILL
        taken = written(deployment)
        assert taken > 75, "nothing was sent beyond the first transaction: killed at a moment that proves nothing"
        left = 300 - 75 * (2 if at == "committed" else 1)
        dry = dead_letters(deployment, "replay", "--dry-run", "--json")
        assert dry.lines[0]["reinserted"] == left, "a dry run does not wait for what a killed replay left open"

        again = dead_letters(deployment, "replay", "--yes", "--json")
        assert again.code == 0, again.err
        assert again.lines[0]["reinserted"] == left
        assert activity(deployment) == Counter(values)
        assert group_offsets(deployment) == [75] * PARTITIONS
        assert dead_letters(deployment, "replay", "--yes", "--json").lines[0]["read"] == 0

        worker = deployment.start()
        until(lambda: worker.events("applied") == 300, "all are applied", 90.0)
        assert (worker.events("duplicates"), worker.events("rerouted")) == (0, 0)
        replay = deployment.replay()
        assert (replay.counts.applied, replay.counts.duplicates) == (300, 0)
        assert deployment.differences(replay) == []
        assert worker.terminate() == 0


def test_of_two_replays_at_once_the_former_is_refused_and_nothing_comes_twice(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path) as deployment:
        values = planted(deployment, 400)
        former = dead_letters_process(
            deployment, "replay", "--yes", before=_AT_THE_SECOND.format(at="sent", then=_WAIT)
        )
        with former:
            assert former.stderr is not None
            assert former.stdin is not None
            assert former.stderr.readline() == b"here\n"
            assert dead_letters(deployment, "replay", "--yes").code == 0
            former.stdin.close()
            assert former.wait(EXIT_TIMEOUT_S) == 4
            assert b"another replay" in former.stderr.read()

        assert activity(deployment) == Counter(values)


def test_when_kafka_has_forgotten_the_groups_offsets_nothing_is_sent_again(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path) as deployment:
        values = planted(deployment, 8)
        assert dead_letters(deployment, "replay", "--yes").code == 0
        group = f"{deployment.name}-dead-letters"
        admin = AdminClient({"bootstrap.servers": kafka})
        for forgotten in admin.delete_consumer_groups([group]).values():
            forgotten.result(30)
        assert group_offsets(deployment) == [-1001] * PARTITIONS

        more = planted(deployment, 12)[8:]
        again = dead_letters(deployment, "replay", "--yes", "--json").lines[0]

        assert (again["reinserted"], again["repeats"]) == (4, 8)
        assert activity(deployment) == Counter([*values, *more])


def test_whoever_resets_the_groups_offsets_gets_the_dead_letters_again(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path) as deployment:
        planted(deployment, 8)
        assert dead_letters(deployment, "replay", "--yes").code == 0
        reset = Consumer({"bootstrap.servers": kafka, "group.id": f"{deployment.name}-dead-letters"})
        reset.commit(offsets=[TopicPartition(deployment.channels.dead_letters, 0, 1)], asynchronous=False)
        reset.close()

        assert dead_letters(deployment, "replay", "--yes", "--json").lines[0]["reinserted"] == 1


def test_the_bad_come_back_from_a_worker_as_new_dead_letters_with_the_producers_headers(
    kafka: str, tmp_path: Path
) -> None:
    with deployed(kafka, tmp_path, dead_letter_min_records=10) as deployment:
        worker = deployment.start()
        worker.await_ready()
        bad = [Sent(b"ada", b"<not json %d>" % n, headers=(("trace", b"%d" % n),)) for n in range(5)]
        good = [Sent(b"ada", raw(event_id=f"g{n}", minute=n / 100)) for n in range(20)]
        deployment.send([*good, *bad])
        until(lambda: len(deployment.dead_letters()) == 5, "they are dead letters", 90.0)

        for sent in (5, 10):
            ran = dead_letters(deployment, "replay", "--yes", "--policy", "reinsert", "--json").lines[0]
            assert (ran["reinserted"], ran["still_bad"]) == (5, 5)
            until(lambda count=sent: len(deployment.dead_letters()) == 5 + count, "they came back", 90.0)  # type: ignore[misc]
        assert worker.alive, "a replay is no flood"

        for record, dead_letter in deployment.dead_letters()[-5:]:
            assert [name for name, _ in record.headers if not name.startswith("dl-")] == [
                "trace",
                REINSERTED_HEADER,
                SIGNATURE_HEADER,
            ]
            assert dead_letter.reason == "not_json"
        assert worker.terminate() == 0


def test_the_bad_event_of_an_envelope_is_folded_when_it_comes_back_and_the_good_ones_are_not_again(
    kafka: str, tmp_path: Path
) -> None:
    good = [caliper("AssessmentEvent", "Started", QUIZ, id=f"urn:uuid:{uuid4()}") for _ in range(60)]
    bad = caliper("ForumEvent", "Downvoted", FORUM, id=f"urn:uuid:{uuid4()}")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[caliper]\n"ForumEvent.Downvoted" = "disagreed"\n')
    with deployed(kafka, tmp_path) as deployment:
        worker = deployment.start()
        deployment.send([Sent(ADA.encode(), orjson.dumps(envelope(*good, bad)))])
        until(lambda: len(deployment.dead_letters()) == 1, "its bad part is a dead letter", 60.0)

        ran = dead_letters(deployment, "replay", "--yes", "--policy", "reinsert", "--json")
        assert ran.lines[0]["still_bad"] == 1, ran.err
        assert [dead_letter.replays for _, dead_letter in deployment.dead_letters()] == [0, 1]
        deployment.defaults = {"mapping": mapping}
        ran = dead_letters(deployment, "replay", "--yes", "--json")
        assert ran.lines[0]["reinserted"] == 1, ran.err
        deployment.defaults = {}
        until(lambda: worker.events("applied") == 61, "it is folded", 60.0)

        assert worker.events("duplicates") == 0
        assert worker.terminate() == 0
        verdict = verify(deployment)
        assert (verdict.code, verdict.said["differences"]) == (0, []), verdict.log


def test_a_dead_letter_as_large_as_the_largest_record_goes_there_and_back(kafka: str, tmp_path: Path) -> None:
    value = b"[" + b" " * (12 * 1024 * 1024 - 1_000) + b"]"
    own = (("huge", b"h" * 400),)
    with deployed(kafka, tmp_path) as deployment:
        worker = deployment.start()
        deployment.send([Sent(b"ada", value, headers=own)])
        until(lambda: len(deployment.dead_letters()) == 1, "it is a dead letter", 60.0)

        ran = dead_letters(deployment, "replay", "--yes", "--policy", "reinsert", "--json")
        assert ran.lines[0]["reinserted"] == 1, ran.err
        until(lambda: len(deployment.dead_letters()) == 2, "it is one again", 60.0)

        kept = [unpack(dead_letter, record.key, record.value) for record, dead_letter in deployment.dead_letters()]
        assert kept == [(b"ada", value)] * 2
        assert worker.terminate() == 0

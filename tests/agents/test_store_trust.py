"""Whether a local store is believed: compared with its changelog, on an embedded broker."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Producer

from agents.kafka.embedded import EmbeddedBroker
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.topics import TopicSpec, ensure_topics
from agents.stores.rocksdb import RocksRows
from agents.stores.trust import TRUSTED_FOR_S, drop_what_is_doubtful
from tests.agents.logged import Logged, write

ROWS = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]


@dataclass
class Scene:
    """A changelog of four partitions, and a store that may have been written by its owner."""

    broker: str
    store: RocksRows

    def log(self, topic: str, *rows: tuple[bytes, bytes], partition: int = 0) -> None:
        ensure_topics(self.broker, [TopicSpec(topic, 4)])
        producer = Producer({"bootstrap.servers": self.broker, "linger.ms": 0})
        for key, row in rows:
            producer.produce(topic, row, key, partition)
        assert producer.flush(60) == 0

    def check(self, topic: str) -> dict[int, int]:
        drop_what_is_doubtful(self.store, self.broker, topic, 10.0)
        return dict(self.store.checkpoints())


@pytest.fixture
def scene(broker: str, tmp_path: Path) -> Iterator[Scene]:
    store = RocksRows(tmp_path, memory_mb=16)
    yield Scene(broker, store)
    store.close()


def test_rows_that_stand_on_the_changelog_are_kept(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.log("same", *ROWS)
    assert scene.check("same") == {}
    write(scene.store, 0, 0, *ROWS)
    caplog.set_level(logging.WARNING)
    assert scene.check("same") == {0: 2}
    scene.log("same", (b"c", b"4"))
    assert scene.check("same") == {0: 2}
    assert caplog.text == ""


def test_rows_beyond_the_changelog_s_end_are_dropped(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.log("short", *ROWS[:2])
    scene.log("short", *ROWS, partition=1)
    assert scene.check("short") == {}
    write(scene.store, 0, 0, *ROWS)
    write(scene.store, 1, 0, *ROWS)
    assert scene.check("short") == {1: 2}
    assert "partition 0 are dropped" in caplog.text
    assert "ends at 2, but they hold offset 2" in caplog.text


def test_rows_ahead_of_what_is_known_whole_count_for_the_end_too(scene: Scene) -> None:
    scene.log("gap", *ROWS)
    scene.check("gap")
    write(scene.store, 0, 0, ROWS[0])
    scene.store.confirm(0, scene.store.stage(0, {b"b": b"2"}), [Logged(7, b"b", b"2")], 7, reached=0)
    assert scene.check("gap") == {}


def test_another_record_at_the_same_offset_drops_the_rows(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.log("refilled", ROWS[0], ROWS[1], (b"a", b"of another life"), ROWS[2])
    scene.check("refilled")
    write(scene.store, 0, 0, *ROWS)
    assert scene.check("refilled") == {}
    assert "another record stands at offset 2" in caplog.text


def test_rows_of_another_topic_or_cluster_are_dropped(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    for topic in ("one", "two"):
        scene.log(topic, *ROWS)
    scene.check("one")
    write(scene.store, 0, 0, *ROWS)
    assert scene.check("two") == {}
    assert "of another changelog than two" in caplog.text

    write(scene.store, 0, 0, *ROWS)
    with EmbeddedBroker() as other:
        elsewhere = Scene(other.bootstrap, scene.store)
        elsewhere.log("two", *ROWS)
        assert elsewhere.check("two") == {}


def test_rows_are_dropped_before_deletions_that_they_missed_can_have_left_the_changelog(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.log("old", *ROWS)
    scene.check("old")
    now_s = time.time()
    monkeypatch.setattr("agents.stores.partition.time.time", lambda: now_s - TRUSTED_FOR_S + 60)
    write(scene.store, 0, 0, *ROWS)
    monkeypatch.setattr("agents.stores.partition.time.time", lambda: now_s)
    assert scene.check("old") == {0: 2}
    monkeypatch.setattr("agents.stores.partition.time.time", lambda: now_s + 120)
    assert scene.check("old") == {}


def test_a_used_store_that_is_empty_is_said(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.log("used", *ROWS)
    caplog.set_level(logging.WARNING)
    scene.check("used")
    assert caplog.text == ""
    scene.check("used")
    assert "The local store is empty" in caplog.text


def test_a_broker_that_is_unavailable_is_said(scene: Scene) -> None:
    with pytest.raises(BrokerUnavailable, match="could not be compared"):
        drop_what_is_doubtful(scene.store, "127.0.0.1:1", "any", 1.0)

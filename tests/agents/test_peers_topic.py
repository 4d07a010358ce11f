"""The workers' topic and its fake promise the same; what nobody of the deployment signed is passed over."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.kafka.reader import TopicReader
from agents.kafka.topics import TopicSpec, ensure_topics
from agents.peers.topic import AnnouncementLog, WorkersTopic
from tests.agents.memory_announcements import MemoryAnnouncements

Open = Callable[[], AnnouncementLog]


def settings_of(broker: str) -> Settings:
    settings = Settings(broker=broker, topic_prefix=f"t{uuid4().hex[:8]}.", header_key="a key of the tests")
    ensure_topics(broker, [TopicSpec(settings.topic("skillstream-workers"), settings.partitions)])
    return settings


def opened(settings: Settings, on_forged: Callable[[], object] = lambda: None) -> WorkersTopic:
    keyring = Keyring(settings)
    return WorkersTopic(settings, keyring.sign, keyring.authentic, on_forged, timeout_s=60.0)


@pytest.fixture(params=["memory", "kafka"])
def open_log(request: pytest.FixtureRequest, broker: str) -> Open:
    if request.param == "memory":
        shared = MemoryAnnouncements()
        return lambda: MemoryAnnouncements(shared.log)
    settings = settings_of(broker)
    return lambda: opened(settings)


def read(log: AnnouncementLog) -> list[tuple[bytes | None, bytes | None]]:
    return [(record.key, record.value) for record in log.read_on()]


def test_each_reads_all_that_was_announced_once_and_in_its_order(open_log: Open) -> None:
    writer, early = open_log(), open_log()
    writer.announce("a", b"1")
    writer.announce("b", b"2")
    assert read(early) == [(b"a", b"1"), (b"b", b"2")]
    assert read(early) == []
    writer.announce("a", None)
    late = open_log()

    assert read(early) == [(b"a", None)]
    assert read(late)[-1] == (b"a", None)
    for log in (writer, early, late):
        log.close()


def test_the_broker_is_asked_about_the_partition_of_announcements_alone(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, span = set[int](), TopicReader.span

    def noted(reader: TopicReader, partition: int) -> tuple[int, int]:
        asked.add(partition)
        return span(reader, partition)

    monkeypatch.setattr(TopicReader, "span", noted)
    settings = settings_of(broker)
    log = opened(settings)
    log.announce("a", b"1")
    assert read(log) == [(b"a", b"1")]
    log.close()

    assert settings.partitions > 1
    assert asked == {0}


def test_what_is_forged_is_passed_over_and_counted(broker: str) -> None:
    settings, forged = settings_of(broker), list[int]()
    name = settings.topic("skillstream-workers")
    log = opened(settings, lambda: forged.append(1))
    of_another = Keyring(Settings(header_key="another key of the tests")).sign(name, 0, b"c", b"3", ())
    log.announce("a", b"1")
    producer = Producer({"bootstrap.servers": broker})
    producer.produce(name, b"2", b"b", 0)
    producer.produce(name, b"3", b"c", 0, headers=list(of_another))
    producer.produce(name, b"4", b"d", 1)  # where nobody announces
    producer.flush()

    assert read(log) == [(b"a", b"1")]
    assert len(forged) == 2
    log.close()

"""What delivery rests on in Faust and aiokafka, and what it switches off in them."""

from importlib.metadata import version
from typing import cast

import aiokafka
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.app import App, BootStrategy
from faust.tables.base import Collection
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from mode.services import ServiceTask

from agents.delivery.faust.app import create_app
from agents.delivery.faust.recovery import PositionRecovery
from agents.delivery.settings import DeliverySettings, changelog_spec
from agents.kafka.connection import CODECS
from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.topics import TopicMismatch, TopicSpec, ensure_topics
from schemas.topics import MAX_RECORD_BYTES

SETTINGS = DeliverySettings(app_id="app", broker="one:9092, two:9093", sources=("events",), partitions=4)


@pytest.mark.parametrize(
    ("library", "known"), [("faust-streaming", "0.15.3"), ("mode-streaming", "0.7.1"), ("aiokafka", "0.14.0")]
)
def test_the_libraries_are_those_whose_private_parts_were_read(library: str, known: str) -> None:
    assert version(library) == known, "read the replaced parts again (docstrings in agents/delivery), then raise"


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (App, "_new_transport"),
        (App, "_new_producer_transport"),
        (App, "_consumer_wait_empty"),
        (App, "_producer_flush"),
        (App, "_on_partitions_revoked"),
        (App, "_crash"),
        (App, "_create_directories"),
        (Consumer, "getmany"),
        (Consumer, "perform_seek"),
        (Consumer, "force_commit"),
        (Consumer, "_add_gap"),
        (Consumer, "verify_event_path"),
        (driver.Consumer, "_new_consumer_thread"),
        (driver.Consumer, "_commit"),
        (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
        (driver.AIOKafkaConsumerThread, "_ensure_consumer"),
        (driver.Producer, "_settings_extra"),
        (driver.Producer, "_ensure_producer"),
        (driver.Producer, "_new_producer"),
        (driver.AIOKafkaConsumerThread, "on_start"),
        (driver.AIOKafkaConsumerThread, "on_thread_stop"),
        (Consumer, "maybe_wait_for_commit_to_finish"),
        (GroupCoordinator, "_send_req"),
        (GroupCoordinator, "close"),
        (AIOKafkaClient, "ready"),
        (AIOKafkaClient, "send"),
        (Collection, "persisted_offset"),
        (Collection, "on_changelog_event"),
        (Collection, "apply_changelog_batch"),
        (Recovery, "on_partitions_revoked"),
        (Recovery, "_set_recovery_started"),
        (Recovery, "_set_recovery_ended"),
        (Consumer, "resume_partitions"),
        (Consumer, "resume_flow"),
    ],
)
def test_every_part_that_is_replaced_still_exists(owner: type, name: str) -> None:
    assert callable(getattr(owner, name, None))


async def test_aiokafkas_producer_still_has_the_age_at_which_batches_expire() -> None:
    producer = aiokafka.AIOKafkaProducer(request_timeout_ms=30_000)
    assert producer._message_accumulator._batch_ttl == 30.0
    await producer.stop()


async def test_aiokafkas_producer_still_makes_batches_of_the_size_and_codec_that_it_says() -> None:
    producer = aiokafka.AIOKafkaProducer(max_batch_size=1_000, compression_type="zstd")
    accumulator = producer._message_accumulator
    assert (accumulator._batch_size, accumulator._compression_type) == (1_000, CODECS.index("zstd"))
    await producer.stop()


async def test_aiokafkas_consumer_still_holds_the_options_that_are_set_from_outside() -> None:
    consumer = aiokafka.AIOKafkaConsumer(isolation_level="read_uncommitted")
    assert consumer._isolation_level == "read_uncommitted"
    await consumer.stop()


async def test_recovery_is_ours_and_so_are_all_its_loops() -> None:
    app = create_app(SETTINGS)
    recovery = cast(TableManager, app.tables).recovery
    assert isinstance(recovery, PositionRecovery)
    loops = {name for name, part in vars(Recovery).items() if isinstance(part, ServiceTask)}
    assert loops
    assert loops <= vars(PositionRecovery).keys()
    assert (recovery.active_tps, recovery.standby_tps, recovery.in_recovery) == (set(), set(), False)
    assert not recovery.signal_recovery_start.is_set()


async def test_the_group_waits_for_a_member_until_its_drain_has_ended_by_force() -> None:
    slow = DeliverySettings(
        app_id="app", broker="b:1", sources=("events",), partitions=4, drain_timeout_s=100.0, stop_timeout_s=115.0
    )
    assert create_app(slow).conf.broker_rebalance_timeout == 225.0
    assert create_app(SETTINGS).conf.broker_rebalance_timeout == 60.0


async def test_no_web_server_is_started_and_none_of_fausts_views_is_on() -> None:
    app = create_app(SETTINGS)
    strategy = cast(BootStrategy, app.boot_strategy)
    assert list(strategy.web_server()) == []
    names = ("web", "web_stats", "web_graph", "web_router", "web_tables", "web_metrics")
    assert not any(getattr(app.conf, f"{name}_enabled") for name in names)


async def test_every_broker_is_asked_and_the_changelog_bears_the_apps_name() -> None:
    app = create_app(SETTINGS)
    assert [f"{url.host}:{url.port}" for url in app.conf.broker] == ["one:9092", "two:9093"]
    assert app.table.changelog_topic_name == SETTINGS.changelog_topic == "app-students-changelog"


def test_the_changelog_is_compacted_alone_and_takes_the_largest_record() -> None:
    config = changelog_spec(SETTINGS).config
    assert config["cleanup.policy"] == "compact"
    assert int(config["max.message.bytes"]) > MAX_RECORD_BYTES


@pytest.mark.parametrize(
    "wrong",
    [{"sources": ()}, {"partitions": 0}, {"session_timeout_s": 5.0}, {"session_timeout_s": 60.0}],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    given: dict[str, object] = {"app_id": "app", "broker": "b:1", "sources": ("events",), "partitions": 4}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DeliverySettings(**{**given, **wrong})  # type: ignore[arg-type]


def test_missing_topics_are_made_and_a_wrong_partition_count_is_refused() -> None:
    with EmbeddedBroker() as broker:
        ensure_topics(broker.bootstrap, [TopicSpec("events", PARTITIONS), TopicSpec("out", PARTITIONS)])
        ensure_topics(broker.bootstrap, [TopicSpec("events", PARTITIONS)])
        with pytest.raises(TopicMismatch, match="events has 4 partitions, 6 are needed"):
            ensure_topics(broker.bootstrap, [TopicSpec("events", 6)])


def test_an_unreachable_broker_is_named() -> None:
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1 "):
        ensure_topics("127.0.0.1:1", [TopicSpec("events", 4)], timeout_s=1.0)

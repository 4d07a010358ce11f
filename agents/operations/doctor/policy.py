"""What an existing topic must be so that workers keep their promises, and the command that makes it so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from agents.kafka.topic_settings import CLEANUP, compacts_otherwise, loses_records, set_command
from agents.kafka.topics import TopicSpec, partition_mismatch
from schemas.topics import DEAD_LETTER_HEADROOM_BYTES

LARGEST: Final = "max.message.bytes"
_RETENTION: Final = "retention.ms"
_IN_SYNC: Final = "min.insync.replicas"
_BATCH_BYTES: Final = 1 << 20
"""Workers send record batches of half of that at most, beside single records that are larger."""


@dataclass(frozen=True, slots=True)
class BrokerTopic:
    """One as the broker has it: `config` by Kafka's names, empty where this client may not see it."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Deviation:
    """`what` is wrong with a topic; `set_to` is Kafka's setting and the value that mends it, if one does."""

    what: str
    set_to: tuple[str, str] | None = None
    advice: str = ""


def deviations(spec: TopicSpec, topic: BrokerTopic, input_bytes: int | None) -> Iterator[Deviation]:
    """In what `topic` is not as it must be. `input_bytes`: a dead letter must carry as much; None for other topics.

    Longer retention, more replicas, larger records and earlier compaction than a worker would set are as good.
    """
    if (error := partition_mismatch(spec, topic.partitions)) is not None:
        yield Deviation(f"{topic.partitions} partitions, not {spec.partitions}", advice=str(error))
    if topic.replication < spec.replication:
        said = f"{topic.replication} replicas, not {spec.replication}"
        yield Deviation(said, advice="add replicas with kafka-reassign-partitions.sh, or lower SKILLSTREAM_REPLICATION")
    if topic.config:
        yield from _wrong_settings(spec, topic, input_bytes)


def _wrong_settings(spec: TopicSpec, topic: BrokerTopic, input_bytes: int | None) -> Iterator[Deviation]:
    config = topic.config
    wanted = spec.config.get(CLEANUP, "delete")
    if loses_records(config[CLEANUP], wanted):
        yield _must_be(CLEANUP, config[CLEANUP], wanted)
    for name, found, should_be in compacts_otherwise(config, spec.config):
        yield _must_be(name, found, should_be)
    if _RETENTION in spec.config and 0 <= int(config[_RETENTION]) < int(spec.config[_RETENTION]):
        yield _must_be(_RETENTION, config[_RETENTION], spec.config[_RETENTION])
    largest = _BATCH_BYTES if input_bytes is None else input_bytes + DEAD_LETTER_HEADROOM_BYTES
    if int(config[LARGEST]) < largest:
        yield _must_be(LARGEST, config[LARGEST], str(max(largest, int(spec.config.get(LARGEST, 0)))))
    if int(config[_IN_SYNC]) > topic.replication:
        yield _must_be(_IN_SYNC, config[_IN_SYNC], str(topic.replication))


def _must_be(name: str, found: str, wanted: str) -> Deviation:
    return Deviation(f"{name} is {found}, not {wanted}", (name, wanted))


def mending(broker: str, topic: str, found: list[Deviation]) -> str:
    """The command of Kafka's own that sets what is wrong, to be run as it is; empty where none does."""
    changes = [each.set_to for each in found if each.set_to is not None]
    return set_command(broker, topic, changes) if changes else ""

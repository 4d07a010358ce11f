"""What is in the topics: events on the partition that the configured partitioner gives, a table that fits its input.

Each event that is elsewhere is repartitioned. The table is judged by the test that a worker makes after its recovery.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from confluent_kafka import Message

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.kafka.changelog import Changelog
from agents.kafka.input_topic import InputTopic
from agents.kafka.offsets import Offsets
from agents.kafka.reader import read_to_end
from agents.kafka.record import headers_of
from agents.kafka.topics import TopicMismatch, try_topics
from agents.operations.doctor.check import Finding, ok, refusal_finding, warning
from streams.input.checkpoint import (
    Found,
    InputCheckpoint,
    decode_checkpoint,
    find_mismatch,
    identity_lost,
    removed_unread,
)
from streams.input.origin import ORIGIN_HEADER
from streams.input.partitioner import PartitionerName, partitioner

SAMPLED: Final = 300
_ENOUGH: Final = 0.99
_NAMES: Final[tuple[PartitionerName, ...]] = ("murmur2", "crc32")
_LIBRDKAFKA: Final = "producers on librdkafka (kcat, confluent-kafka) need `partitioner=murmur2_random`"


@dataclass(frozen=True, slots=True)
class Placement:
    """Implements Check, on the newest records of each partition, outside of every group."""

    settings: Settings
    name: str = "partitioner"
    decides: bool = False

    def run(self) -> Iterator[Finding]:
        """Raises BrokerUnavailable."""
        name = self.settings.partitioner
        if name == "unchecked":
            yield ok("unchecked: an event is on its owning partition wherever it lies")
            return
        records = read_to_end(self.settings.broker, Channels.of(self.settings).activity, last=SAMPLED)
        yield check_placement(name, records, self.settings.partitions)


def check_placement(name: PartitionerName, records: Iterable[Message], partitions: int) -> Finding:
    """What the places of `records` say of their producers. Repartitioned events are left out: workers placed them."""
    keyed = keyless = 0
    on_owning: Counter[PartitionerName] = Counter()
    for record in records:
        if any(header[0] == ORIGIN_HEADER for header in headers_of(record)):
            continue
        if (key := record.key()) is None:
            keyless += 1
            continue
        keyed += 1
        for each in _NAMES:
            on_owning[each] += partitioner(each).owning_partition(key, partitions) == record.partition()
    if not keyed + keyless:
        return ok(f"{name}; there is no record yet to compare with")
    share = on_owning[name] / (keyed + keyless)
    said = f"{on_owning[name]} of the {keyed + keyless} newest records ({share:.0%}) lie where {name} puts their keys"
    if share >= _ENOUGH:
        return ok(said)
    return warning(f"{said}, the others are forwarded, which costs", _advice(name, on_owning, keyed, keyless))


def _advice(name: PartitionerName, on_owning: Counter[PartitionerName], keyed: int, keyless: int) -> str:
    if keyless > keyed:
        return "let producers key records by the student's id"
    other = next(each for each in _NAMES if each != name)
    if on_owning[other] >= _ENOUGH * keyed:
        mend = f"set SKILLSTREAM_PARTITIONER={other}, which they fit, before the first start; or mend the producers"
        return f"{mend}: {_LIBRDKAFKA}" if name == "murmur2" else mend
    return _LIBRDKAFKA if name == "murmur2" else f"let all producers place keys by {name}"


@dataclass(frozen=True, slots=True)
class Table:
    """Implements Check. Reads the whole changelog, as a worker without a store on disk does."""

    settings: Settings
    timeout_s: float
    name: str = "table"
    decides: bool = False

    def run(self) -> Iterator[Finding]:
        """Raises BrokerUnavailable, and IdentityLost for a checkpoint that cannot be read."""
        settings, topic = self.settings, Channels.of(self.settings).activity
        spec = next(each for each in Channels.of(settings).specs(settings) if each.name == topic)
        try:
            is_there = not try_topics(settings.broker, [spec], self.timeout_s)
        except TopicMismatch:
            yield warning(f"not judged: {topic} cannot be read as it is")
            return
        log = Changelog(settings.broker, changelog_of(settings), self.timeout_s)
        source = InputTopic(settings.broker, settings.app_id, topic, self.timeout_s)
        partitions = range(settings.partitions)
        # Before the changelog: where a worker runs meanwhile, the table is then ahead of what it has committed.
        before = source.extents(partitions) if is_there else {}
        contents = log.read()
        checkpoints = {
            p: decode_checkpoint(checkpoint) for p, checkpoint in contents.checkpoints.items() if p in partitions
        }
        rows = {partition: contents.rows.get(partition, 0) for partition in partitions}
        found = _found(source, before, checkpoints, rows) if is_there else _new(settings.partitions, rows)
        yield from self._findings(topic, checkpoints, found)

    def _findings(
        self, topic: str, checkpoints: dict[int, InputCheckpoint], found: dict[int, Found]
    ) -> Iterator[Finding]:
        refused = False
        for partition, each in sorted(found.items()):
            checkpoint = checkpoints.get(partition)
            if (finding := find_mismatch(checkpoint, each, self.settings.epoch)) is not None:
                refused = True
                yield refusal_finding(identity_lost(topic, partition, finding))
            elif removed := removed_unread(checkpoint, each):
                yield warning(f"{topic}/{partition}: retention removed {removed} offsets before they were folded")
        if not refused:
            yield ok(f"{sum(each.rows for each in found.values())} rows, which belong to {topic} as it is")


def _found(
    source: InputTopic, before: dict[int, Offsets], checkpoints: dict[int, InputCheckpoint], rows: dict[int, int]
) -> dict[int, Found]:
    _known, found = source.find(checkpoints, rows)
    return {partition: replace(each, committed=before[partition].committed) for partition, each in found.items()}


def _new(partitions: int, rows: dict[int, int]) -> dict[int, Found]:
    """A topic that a worker is yet to make: no table was ever folded from it."""
    return {
        p: Found(topic_id="a new topic's", partitions=partitions, start=0, end=0, committed=None, rows=count)
        for p, count in rows.items()
    }

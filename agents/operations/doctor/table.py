"""Whether the table and the input topic still belong together, by the test that a worker makes after its recovery."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.kafka.changelog import Changelog
from agents.kafka.input_topic import InputTopic
from agents.kafka.offsets import Offsets
from agents.kafka.topics import TopicMismatch, try_topics
from agents.operations.doctor.finding import Finding, ok, refusal_finding, warning
from streams.input.checkpoint import (
    Found,
    InputCheckpoint,
    decode_checkpoint,
    find_mismatch,
    identity_lost,
    removed_unread,
)


@dataclass(frozen=True, slots=True)
class Table:
    """Implements Check. Reads the whole changelog, as a worker without a store on disk does."""

    settings: Settings
    timeout_s: float
    name: str = "table"
    decides: bool = False

    def run(self) -> Iterator[Finding]:
        """Raises BrokerUnavailable, BrokerUnavailable, and IdentityLost for a checkpoint that cannot be read."""
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

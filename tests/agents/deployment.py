"""A deployment under test: topics and a group of its own on a shared broker, its workers, and a look at the truth.

The truth is read from the broker alone: the input topic folded again offline, the last row of each key on the
changelog, the committed offsets. Every message that workers produced is validated against its JSON Schema when the
deployment ends.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, cast
from uuid import uuid4

import msgspec
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from agents.config.channels import Channels
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.kafka.topics import TopicSpec, ensure_topics
from agents.stores.store import is_row
from schemas.dead_letter import DeadLetter, from_headers
from schemas.dead_letter_content import is_tombstone
from schemas.explanation import Explanation, ReasoningResult
from schemas.topics import MAX_RECORD_BYTES
from schemas.update import SkillUpdate
from streams.evidence.artifacts import load_artifact
from streams.input.partitioner import partitioner
from streams.input.signature import Authentic, nobody
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay, batches
from streams.rows.table import PartitionedRows
from streams.skills.skills_file import load_skills
from streams.verification.audit import Difference, compare
from tests.agents.contract_validation import validate
from tests.agents.delivery_cluster import until
from tests.agents.topic_reader import PARTITIONS as PARTITIONS
from tests.agents.topic_reader import READ_TIMEOUT_S, end_of, read_topic, reader
from tests.agents.worker_process import WorkerProcess
from tests.events import fail_source

CATCH_UP_TIMEOUT_S: Final = 240.0
_owning_partition = partitioner("murmur2").owning_partition


def owning_partition(key: bytes | str) -> int:
    """The partition that a student's events belong on."""
    return _owning_partition(key.encode() if isinstance(key, str) else key, PARTITIONS) or 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as a producer sends it; `partition` None is the key's owning partition, 0 without a key; `timestamp_ms`
    0 is now.
    """

    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_ms: int = 0

    @property
    def place(self) -> int:
        """The partition it goes to."""
        if self.partition is not None:
            return self.partition
        return owning_partition(self.key) if self.key else 0


@dataclass
class Deployment:
    """See the module. `defaults` are settings of all its workers, in SKILLSTREAM_'s lower-case names.

    `foreign` are the values that tests wrote where workers write.
    """

    broker: str
    folder: Path
    defaults: Mapping[str, object] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"t{uuid4().hex[:8]}")
    workers: list[WorkerProcess] = field(default_factory=list)
    foreign: set[bytes | None] = field(default_factory=set)

    @property
    def settings(self) -> Settings:
        """What its workers are set to, as far as the topics go."""
        attention_topic = str(self.defaults.get("attention_topic", ""))
        return Settings(
            broker=self.broker,
            app_id=self.name,
            topic_prefix=f"{self.name}.",
            partitions=PARTITIONS,
            attention_topic=attention_topic,
        )

    @property
    def channels(self) -> Channels:
        """Its topics."""
        return Channels.of(self.settings)

    @property
    def changelog(self) -> str:
        """The table's log."""
        return f"{self.name}-students-changelog"

    @property
    def topics(self) -> list[TopicSpec]:
        """How they are made."""
        log = TopicSpec(self.changelog, PARTITIONS, config={"cleanup.policy": "compact"})
        return [*self.channels.specs(self.settings), log]

    def topic(self, name: str) -> TopicSpec:
        """One of them."""
        return next(spec for spec in self.topics if spec.name == name)

    # -- what is done to it

    def make_topics(self) -> None:
        """Make the topics before any worker does, so that events can be waiting for it."""
        ensure_topics(self.broker, self.topics)

    def given(self, **settings: object) -> dict[str, object]:
        """What a worker or another command of it is told, in SKILLSTREAM_'s lower-case names."""
        return {
            "broker": self.broker,
            "app_id": self.name,
            "topic_prefix": f"{self.name}.",
            "partitions": PARTITIONS,
            "reasoning": "off",
            "model": "default",
            "web_port": 0,
            **self.defaults,
            **settings,
        }

    def start(
        self,
        environment: Mapping[str, str] | None = None,
        program: str = "agents.cli",
        tree: Path | None = None,
        **settings: object,
    ) -> WorkerProcess:
        """One more worker, run by the module `program`, from `tree` where it is another checkout of ours.

        Settings of other programs go into `environment`.
        """
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append(WorkerProcess(self.given(**settings), log, environment, program, tree))
        return self.workers[-1]

    def send(self, records: Iterable[Sent], topic: str | None = None) -> None:
        """Produce to a topic, the activity topic by default; returns when all are confirmed."""
        if topic is not None:
            records = list(records)
            self.foreign.update(record.value for record in records)
        refused: list[KafkaError] = []
        producer = Producer({"bootstrap.servers": self.broker, "message.max.bytes": MAX_RECORD_BYTES, "linger.ms": 5})
        for count, record in enumerate(records, start=1):
            producer.produce(
                topic or self.channels.activity,
                record.value,
                record.key,
                record.place,
                on_delivery=lambda error, _: refused.append(error) if error else None,
                timestamp=record.timestamp_ms,
                headers=cast(Any, list(record.headers)),
            )
            if count % 5_000 == 0:
                producer.flush(READ_TIMEOUT_S)
        assert producer.flush(READ_TIMEOUT_S) == 0
        assert refused == []

    def await_caught_up(self, timeout_s: float = CATCH_UP_TIMEOUT_S) -> None:
        """Return when the group has committed the end of all source topics."""
        until(lambda: self.lag() == 0, f"{self.name} has caught up", timeout_s)

    # -- what is true of it

    def lag(self) -> int:
        """Records that the group has not committed, over the source topics; the broker's figures."""
        committed = {topic: self.committed(topic) for topic in self.channels.sources}  # first: ends only grow
        offsets = ((topic, *place) for topic, of_topic in committed.items() for place in enumerate(of_topic))
        return sum(self.end(topic, partition) - offset for topic, partition, offset in offsets)

    def committed(self, topic: str | None = None) -> list[int]:
        """The group's committed offsets by partition, of the activity topic by default; 0 for none."""
        places = [TopicPartition(topic or self.channels.activity, partition) for partition in range(PARTITIONS)]
        with reader(self.broker, self.name) as consumer:
            try:
                return [max(0, place.offset) for place in consumer.committed(places, timeout=60)]
            except KafkaException as error:  # the group has no coordinator before its first member
                if not error.args[0].retriable() and error.args[0].name() != "NOT_COORDINATOR":
                    raise
                return [0] * PARTITIONS

    def end(self, topic: str, partition: int) -> int:
        """Where a partition ends."""
        with reader(self.broker, self.name) as consumer:
            return end_of(consumer, TopicPartition(topic, partition))

    def records(self, topic: str) -> list[FileRecord]:
        """All records of a topic, each partition in its order."""
        return read_topic(self.broker, topic)

    def updates(self) -> list[SkillUpdate]:
        """All that was said on skill-updates, tombstones left out."""
        return [msgspec.json.decode(value, type=SkillUpdate) for value in self.values(self.channels.updates)]

    def attention(self) -> list[bytes]:
        """All that was said on student-attention, tombstones left out; nothing where it is off."""
        return [*self.values(self.channels.attention)] if self.channels.attention else []

    def explanations(self) -> list[Explanation]:
        """All that was said on skill-reasoning, tombstones left out."""
        return [msgspec.json.decode(value, type=Explanation) for value in self.values(self.channels.reasoning)]

    def results(self) -> list[ReasoningResult]:
        """All that was said on reasoning-results."""
        said = (value for value in self.values(self.channels.results) if value not in self.foreign)
        return [msgspec.json.decode(value, type=ReasoningResult) for value in said]

    def dead_letters(self) -> list[tuple[FileRecord, DeadLetter]]:
        """All dead letters, with what their headers say."""
        stored = self.records(self.channels.dead_letters)
        there = (each for each in stored if not is_tombstone(each.headers, each.key, each.value))
        return [(record, from_headers(record.headers)) for record in there]

    def table(self) -> PartitionedRows:
        """The rows as a new worker would restore them from the changelog."""
        rows = PartitionedRows()
        for record in self.records(self.changelog):
            if is_row(record.key or b""):
                rows.put(record.partition, record.key or b"", record.value)
        return rows

    def replay(self) -> Replay:
        """The activity topic, folded again offline by the pure pipeline."""
        found: defaultdict[int, list[FileRecord]] = defaultdict(list)
        for record in self.records(self.channels.activity):
            found[record.partition].append(record)
        settings = {"skills": "default", "model": "default", **self.defaults}
        authentic = Keyring(self.settings).open().authentic
        replay = Replay(
            pipeline(str(settings["skills"]), str(settings["model"]), authentic), owning_partition=owning_partition
        )
        asyncio.run(_feed(replay, found))
        return replay

    def differences(self, replay: Replay) -> list[Difference]:
        """Between the restored table and a replay: none if every student is exact."""
        return list(compare(self.table(), replay.rows))

    def values(self, topic: str) -> Iterator[bytes]:
        """The values of a topic, tombstones left out."""
        return (record.value for record in self.records(topic) if record.value is not None)


@contextmanager
def deployed(broker: str, folder: Path, **defaults: object) -> Iterator[Deployment]:
    """A deployment with its topics made; at the end its workers are ended and its messages validated."""
    deployment = Deployment(broker, folder, defaults)
    deployment.make_topics()
    try:
        yield deployment
        validate(deployment)
    finally:
        for worker in deployment.workers:
            worker.end()


@cache
def pipeline(skills: str, model: str, authentic: Authentic = nobody) -> Pipeline:
    """The pure pipeline that the workers run; a source that fails here fails the test."""
    return Pipeline(load_skills(skills), load_artifact(model), on_failure=fail_source, authentic=authentic)


async def _feed(replay: Replay, found: Mapping[int, list[FileRecord]]) -> None:
    for records in found.values():
        for batch in batches(records):
            await replay.feed(batch)

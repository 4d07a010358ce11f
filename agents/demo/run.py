"""The demo, step by step: broker, watcher, worker, events; wait, stop, replay, compare."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from agents.config.channels import Channels
from agents.config.dialects import decoder_of
from agents.config.header_keys import Keyring
from agents.config.models import artifact_of
from agents.config.settings import Settings
from agents.demo.companion import WorkerProcess
from agents.demo.feeding import feed
from agents.demo.figures import Figures
from agents.demo.watcher import Watcher
from agents.kafka.deadline import Deadline
from agents.kafka.embedded import BYTES_PER_PARTITION, EmbeddedBroker, assert_nothing_dropped
from agents.kafka.topics import TopicSpec, ensure_topics
from schemas.errors import Fatal
from schemas.explanation import Explanation
from schemas.update import SkillUpdate
from streams.input.partitioner import partitioner
from streams.pipeline import Pipeline
from streams.replay import Replay, batches
from streams.skills.skills_file import load_skills
from streams.verification.audit import Difference, compare

Keyed = tuple[bytes | None, bytes]
DemoProgress = Callable[[str, int, int], None]
"""What is going on: a stage's name, how far, of how many."""

_POLL_S: Final = 0.2
_STUCK_AFTER_S: Final = 60.0
_EXPLANATIONS_WITHIN_S: Final = 20.0
_WANTED_EXPLANATIONS: Final = 3
_RECORD_OVERHEAD_BYTES: Final = 24


class TooMuch(Fatal):
    """More than the embedded broker holds."""


class Stuck(Fatal):
    """The worker does not come to an end."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of a demo. `differences` is empty where the table equals the replay."""

    figures: Figures
    updates: Sequence[SkillUpdate]
    explanations: Sequence[Explanation]
    differences: Sequence[Difference] = field(default=())


@dataclass(frozen=True, slots=True)
class OpenDemo:
    """What people need to look around in a demo that stays: addresses, and the tokens of this run."""

    url: str
    broker: str
    reader_token: str
    inference_token: str


class Demo:
    """One run. Raises Fatal where it cannot be done or the worker fails."""

    def __init__(self, settings: Settings, records: Sequence[Keyed], tell: DemoProgress) -> None:
        self._settings = settings
        self._channels = Channels.of(settings)
        self._changelog = f"{settings.app_id}-students-changelog"
        self._records = records
        self._tell = tell
        self._owning_partition = partitioner("murmur2").owning_partition
        require_room([(self._partition(key), value) for key, value in records])

    def run(self, stay: Callable[[OpenDemo], None] | None = None) -> DemoResult:
        """Do it all. `stay` is called before the worker is stopped, and may wait there."""
        with EmbeddedBroker() as broker:
            return self._on(broker.bootstrap, stay)

    def _on(self, address: str, stay: Callable[[OpenDemo], None] | None) -> DemoResult:
        settings = msgspec.structs.replace(self._settings, broker=address)
        self._tell("starting a broker and a worker", 0, 1)
        topics = [*self._channels.specs(settings), TopicSpec(self._changelog, settings.partitions)]
        ensure_topics(address, topics, settings.start_timeout_s)
        watcher = Watcher(address, self._channels, self._changelog, settings.partitions)
        watcher.start()
        with WorkerProcess(settings) as worker:
            feed(address, self._channels.activity, self._records, self._partition)
            counts = self._await_events(worker)
            self._await_explanations(worker, watcher)
            if stay is not None:
                stay(OpenDemo(worker.url or "", address, worker.reader_token, worker.inference_token))
            counts = worker.counts() or counts
            worker.stop()
        watcher.stop()
        assert_nothing_dropped(address, (self._channels.activity, self._channels.dead_letters))
        return self._check(settings, watcher, counts)

    def _await_events(self, worker: WorkerProcess) -> dict[str, int]:
        """Poll until every record has been folded. Raises Stuck after _STUCK_AFTER_S without progress."""
        expected, folded, silence = len(self._records), -1, Deadline(_STUCK_AFTER_S)
        while True:
            counts = worker.counts()
            done = counts["records"] - counts["rerouted"]
            self._tell("folding events", done, expected)
            if done >= expected:
                return counts
            if done > folded:
                folded = done
                silence.renew()
            if silence.is_over:
                raise Stuck(f"no event was folded for {_STUCK_AFTER_S:.0f} s, {expected - done} are left")
            worker.require_alive()
            silence.pause(_POLL_S)

    def _await_explanations(self, worker: WorkerProcess, watcher: Watcher) -> None:
        """The limits let them come a few a minute: a few are enough here."""
        if self._settings.reasoning == "off":
            return
        deadline = Deadline(_EXPLANATIONS_WITHIN_S)
        while not deadline.is_over:
            explained = watcher.count(self._channels.reasoning)
            self._tell("explaining", min(explained, _WANTED_EXPLANATIONS), _WANTED_EXPLANATIONS)
            if explained >= _WANTED_EXPLANATIONS:
                return
            worker.require_alive()
            deadline.pause(_POLL_S)

    def _check(self, settings: Settings, watcher: Watcher, counts: dict[str, int]) -> DemoResult:
        """Fold the topic again, offline, and compare with the worker's table."""
        decode, authentic = decoder_of(settings), Keyring(settings).open().authentic
        pipeline = Pipeline(
            load_skills(settings.skills),
            artifact_of(settings),
            on_failure=_fail,
            decode=decode,
            known_ids=settings.known_ids,
            components=settings.components_per_student,
            authentic=authentic,
        )
        replay = Replay(pipeline, owning_partition=lambda key: self._owning_partition(key, settings.partitions))
        total = sum(map(len, watcher.input.values()))
        replayed = 0
        for records in watcher.input.values():
            for batch in batches(records):
                asyncio.run(replay.feed(batch))
                replayed += len(batch)
                self._tell("replaying offline, to compare", replayed, total)
        differences = list(compare(watcher.table, replay.rows))
        figures = Figures(
            records_in=counts["records"],
            events_in=sum(counts[name] for name in ("applied", "ignored", "duplicates", "dead_lettered")),
            applied=counts["applied"],
            ignored=counts["ignored"],
            duplicates=counts["duplicates"],
            dead_lettered=counts["dead_lettered"],
            rerouted=counts["rerouted"],
            late=counts["late"],
            students=len(watcher.table),
            skill_updates=watcher.count(self._channels.updates),
            explanations=watcher.count(self._channels.reasoning),
            state_matches_replay=not differences and _same_counts(counts, replay),
        )
        return DemoResult(figures, list(watcher.updates.values()), watcher.explanations, differences)

    def _partition(self, key: bytes | None) -> int:
        return 0 if key is None else self._owning_partition(key, self._settings.partitions) or 0


def require_room(records: Sequence[tuple[int, bytes]]) -> None:
    """Raise TooMuch if a partition would get more than the embedded broker keeps."""
    sizes: dict[int, int] = {}
    for partition, value in records:
        sizes[partition] = sizes.get(partition, 0) + len(value) + _RECORD_OVERHEAD_BYTES
    largest = max(sizes.values(), default=0)
    if largest > BYTES_PER_PARTITION:
        raise TooMuch(
            f"the embedded broker keeps {BYTES_PER_PARTITION >> 20} MB a partition and these events need "
            f"{largest / (1 << 20):.1f} MB: take fewer, or use a real Kafka (make kafka, then skillstream worker)"
        )


def _same_counts(counts: dict[str, int], replay: Replay) -> bool:
    return all(
        counts[name] == getattr(replay.counts, name)
        for name in ("applied", "late", "ignored", "duplicates", "dead_lettered", "rerouted")
    )


def _fail(source: str, error: BaseException) -> None:
    raise Fatal(f"source {source} failed in the offline replay: {error!r}") from error

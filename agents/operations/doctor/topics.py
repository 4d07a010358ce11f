"""The deployment's topics as the broker has them, against what they must be so that workers keep their promises.

Those that are there fit, or a command is named that makes them fit; those that are missing could be made.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka.admin._metadata import ClusterMetadata

from agents.config.channels import Channels
from agents.config.header_keys import header_keys_spec
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.kafka.clients import open_first_admin
from agents.kafka.mock import is_mock
from agents.kafka.topic_settings import CLEANUP, compacts_otherwise, loses_records, read_settings, set_command
from agents.kafka.topics import TopicMismatch, TopicSpec, describe_cluster, partition_mismatch, try_topics
from agents.operations.doctor.check import Finding, ok, refusal_finding, warning
from agents.operations.doctor.dead_letter_keys import TOO_EARLY, may_be_compacted
from schemas.topics import DEAD_LETTER_HEADROOM_BYTES

LARGEST: Final = "max.message.bytes"
_RETENTIONS: Final = ("retention.ms", "retention.bytes")
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


def deviations(
    spec: TopicSpec,
    topic: BrokerTopic,
    input_bytes: int | None,
    may_be_compacted: Callable[[], bool] = lambda: True,
) -> Iterator[Deviation]:
    """In what `topic` is not as it must be. `input_bytes`: a dead letter must carry as much; None for other topics.

    Longer retention, more replicas, larger records and earlier compaction than a worker would set are as good; longer
    retention not of a topic that keeps no longer than that. Where no key comes twice, `may_be_compacted` says whether
    that holds of what is there, too.
    """
    if (error := partition_mismatch(spec, topic.partitions)) is not None:
        yield Deviation(f"{topic.partitions} partitions, not {spec.partitions}", advice=str(error))
    if topic.replication < spec.replication:
        said = f"{topic.replication} replicas, not {spec.replication}"
        yield Deviation(said, advice="add replicas with kafka-reassign-partitions.sh, or lower SKILLSTREAM_REPLICATION")
    if topic.config:
        yield from _wrong_settings(spec, topic, input_bytes, may_be_compacted)


def _wrong_settings(
    spec: TopicSpec, topic: BrokerTopic, input_bytes: int | None, may_be_compacted: Callable[[], bool]
) -> Iterator[Deviation]:
    config = topic.config
    wanted = spec.config.get(CLEANUP, "delete")
    if loses_records(config[CLEANUP], wanted):
        policy = _must_be(CLEANUP, config[CLEANUP], wanted)
        is_too_early = spec.has_unique_keys and not may_be_compacted()
        yield Deviation(policy.what, advice=TOO_EARLY) if is_too_early else policy
    for name, found, should_be in compacts_otherwise(config, spec.config):
        yield _must_be(name, found, should_be)
    for name in _RETENTIONS:
        if name in spec.config and _keeps_wrongly(spec, config[name], spec.config[name]):
            yield _must_be(name, config[name], spec.config[name])
    largest = _BATCH_BYTES if input_bytes is None else input_bytes + DEAD_LETTER_HEADROOM_BYTES
    if int(config[LARGEST]) < largest:
        yield _must_be(LARGEST, config[LARGEST], str(max(largest, int(spec.config.get(LARGEST, 0)))))
    if int(config[_IN_SYNC]) > topic.replication:
        yield _must_be(_IN_SYNC, config[_IN_SYNC], str(topic.replication))


def _keeps_wrongly(spec: TopicSpec, found: str, wanted: str) -> bool:
    return _keeps_less(found, wanted) or (spec.keeps_no_longer and _keeps_less(wanted, found))


def _keeps_less(found: str, wanted: str) -> bool:
    """Whether a retention is shorter; below 0 it is without end."""
    return int(found) >= 0 and (int(wanted) < 0 or int(found) < int(wanted))


def _must_be(name: str, found: str, wanted: str) -> Deviation:
    return Deviation(f"{name} is {found}, not {wanted}", (name, wanted))


def mending(broker: str, topic: str, found: list[Deviation]) -> str:
    """The command of Kafka's own that sets what is wrong, to be run as it is; empty where none does."""
    changes = [each.set_to for each in found if each.set_to is not None]
    return set_command(broker, topic, changes) if changes else ""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One topic; `topic` is None where there is none of that name, `mend` is empty where no command helps."""

    spec: TopicSpec
    topic: BrokerTopic | None
    deviations: Sequence[Deviation] = ()
    mend: str = ""


def specs_of(settings: Settings) -> list[TopicSpec]:
    """All topics of a deployment, as a worker makes them; that of the headers' key only where no key is set."""
    keys = [] if settings.header_key else [header_keys_spec(settings)]
    return [*Channels.of(settings).specs(settings), changelog_of(settings), *keys]


def survey(settings: Settings, timeout_s: float) -> list[Surveyed]:
    """Look at all. Raises BrokerUnavailable. Blocks."""
    admin = open_first_admin(settings.broker)
    cluster = describe_cluster(admin, settings.broker, timeout_s)
    specs = specs_of(settings)
    there = [spec.name for spec in specs if spec.name in cluster.topics]
    describes_settings = not is_mock(cluster)
    configs = read_settings(admin, there, timeout_s) if describes_settings else {}
    topics = {name: _topic(name, cluster, configs.get(name, {})) for name in there}
    return [_compare(settings, spec, topics, describes_settings=describes_settings) for spec in specs]


def _compare(
    settings: Settings, spec: TopicSpec, topics: dict[str, BrokerTopic], *, describes_settings: bool
) -> Surveyed:
    topic = topics.get(spec.name)
    if topic is None:
        return Surveyed(spec, None)
    channels, input_bytes = Channels.of(settings), None
    if spec.name == channels.dead_letters and channels.activity in topics:
        stated = topics[channels.activity].config.get(LARGEST)
        input_bytes = int(stated) if stated is not None else None
    found = list(deviations(spec, topic, input_bytes, lambda: may_be_compacted(settings, spec.name)))
    if describes_settings and not topic.config:
        found.append(Deviation("its settings may not be seen", advice=f"allow DESCRIBE_CONFIGS on topic {spec.name}"))
    return Surveyed(spec, topic, found, mending(settings.broker, spec.name, found))


def _topic(name: str, cluster: ClusterMetadata, config: dict[str, str]) -> BrokerTopic:
    partitions = cluster.topics[name].partitions
    replication = min((len(each.replicas) for each in partitions.values()), default=0)
    return BrokerTopic(name, len(partitions), replication, config)


@dataclass(frozen=True, slots=True)
class Topics:
    """Implements Check. What is less than it should be is a warning: workers start, and suffer later."""

    settings: Settings
    timeout_s: float
    name: str = "topics"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises BrokerUnavailable."""
        surveyed = survey(self.settings, self.timeout_s)
        found = [finding for each in surveyed for finding in self._findings(each)]
        yield from found
        missing = [each.spec.name for each in surveyed if each.topic is None]
        if missing and all(finding.status != "problem" for finding in found):
            yield ok(f"a worker makes {', '.join(missing)}, as does `skillstream topics create`")
        if not found and len(missing) < len(surveyed):
            yield ok(f"{len(surveyed) - len(missing)} fit: {self.settings.partitions} partitions, policies, sizes")

    def _findings(self, each: Surveyed) -> Iterator[Finding]:
        try:
            try_topics(self.settings.broker, [each.spec], self.timeout_s)
        except TopicMismatch as error:
            yield refusal_finding(error)
            return
        if each.deviations:
            advice = "; ".join(filter(None, (each.mend, *(deviation.advice for deviation in each.deviations))))
            said = "; ".join(deviation.what for deviation in each.deviations)
            yield warning(f"{each.spec.name}: {said}", advice)

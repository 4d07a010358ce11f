"""The deployment's topics as the broker has them, against what they must be. Makes and changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka.admin._metadata import ClusterMetadata

from agents.config.channels import Channels
from agents.config.header_keys import header_keys_spec
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.kafka.clients import open_admin
from agents.kafka.topic_settings import read_settings
from agents.kafka.topics import TopicSpec, describe_cluster, is_mock
from agents.operations.doctor.policy import LARGEST, BrokerTopic, Deviation, deviations, mending


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
    admin = open_admin(settings.broker)
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
    found = list(deviations(spec, topic, input_bytes))
    if describes_settings and not topic.config:
        found.append(Deviation("its settings may not be seen", advice=f"allow DESCRIBE_CONFIGS on topic {spec.name}"))
    return Surveyed(spec, topic, found, mending(settings.broker, spec.name, found))


def _topic(name: str, cluster: ClusterMetadata, config: dict[str, str]) -> BrokerTopic:
    partitions = cluster.topics[name].partitions
    replication = min((len(each.replicas) for each in partitions.values()), default=0)
    return BrokerTopic(name, len(partitions), replication, config)

"""The cluster: whether it answers, what it is, would let a member in for as long as is set, and what it lets one do.

Without a permission a worker ends at its start, or with the first record it writes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.admin._resource import ResourceType

from agents.config.channels import Channels
from agents.config.header_keys import header_keys_spec
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.kafka.clients import open_admin, open_first_admin
from agents.kafka.errors import BrokerUnavailable, message_of
from agents.kafka.mock import is_mock
from agents.kafka.topics import describe_cluster
from agents.operations.doctor.check import Finding, ok, problem, warning

_SHORTEST: Final = "group.min.session.timeout.ms"
_LONGEST: Final = "group.max.session.timeout.ms"
_PROTOCOL: Final = "inter.broker.protocol.version"


@dataclass(frozen=True, slots=True)
class BrokerAnswers:
    """Implements Check."""

    settings: Settings
    timeout_s: float
    name: str = "broker"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises BrokerUnavailable."""
        admin = open_first_admin(self.settings.broker)
        cluster = describe_cluster(admin, self.settings.broker, self.timeout_s)
        if is_mock(cluster):
            yield warning(f"{self.settings.broker} is an embedded broker: it keeps nothing", "never use it for data")
            return
        yield from self._findings(cluster, _config(admin, cluster, self.timeout_s))

    def _findings(self, cluster: ClusterMetadata, config: Mapping[str, str]) -> Iterator[Finding]:
        session_ms = self.settings.session_timeout_s * 1000
        shortest, longest = int(config.get(_SHORTEST, 0)), int(config.get(_LONGEST, session_ms))
        if not shortest <= session_ms <= longest:
            yield problem(
                f"the cluster takes session timeouts of {shortest / 1000:g} to {longest / 1000:g} s, "
                f"{self.settings.session_timeout_s:g} s is set",
                "set SKILLSTREAM_SESSION_TIMEOUT_S to one of these",
            )
        brokers = len(cluster.brokers)
        if self.settings.replication == 1 and brokers > 1:
            yield warning(
                f"topics are made with one replica, though there are {brokers} brokers: one lost takes them along",
                f"set SKILLSTREAM_REPLICATION to {min(3, brokers)}",
            )
        yield ok(f"{brokers} at {self.settings.broker}, cluster {cluster.cluster_id}, Kafka {_version(config)}")


def _version(config: Mapping[str, str]) -> str:
    if not config:
        return "of a version that this client may not ask for"
    return config.get(_PROTOCOL, "4.0 or newer")  # 4.0 has dropped that setting


def _config(admin: AdminClient, cluster: ClusterMetadata, timeout_s: float) -> Mapping[str, str]:
    """A broker's settings; none where this client may not see them."""
    resource = ConfigResource(ResourceType.BROKER, str(min(cluster.brokers)))
    try:
        entries = admin.describe_configs([resource], request_timeout=timeout_s)[resource].result(timeout_s)
    except (KafkaException, TimeoutError):
        return {}
    return {name: entry.value for name, entry in entries.items() if entry.value is not None}


_READ, _WRITE = AclOperation.READ, AclOperation.WRITE
_ADVICE: Final = "allow it: see 'A cluster that is locked down' in docs/operating.md"


@dataclass(frozen=True, slots=True)
class Permissions:
    """Implements Check. Topics that are missing, or hidden from this client, are the topics' check."""

    settings: Settings
    timeout_s: float
    name: str = "permissions"
    decides: bool = False

    def run(self) -> Iterator[Finding]:
        """Raises BrokerUnavailable."""
        admin = open_admin(self.settings.broker)
        try:
            cluster = admin.list_topics(timeout=self.timeout_s)
            if is_mock(cluster):
                yield ok("not asked: an embedded broker lets everybody do everything")
                return
            needed = {topic: operations for topic, operations in self.needed().items() if topic in cluster.topics}
            lacking = [*self._topics(admin, needed), *self._group(admin)]
        except KafkaException as error:
            raise BrokerUnavailable(f"permissions are not told: {message_of(error)}") from error
        for what, operation in lacking:
            yield problem(f"{operation.name} is not allowed on {what}", _ADVICE)
        if not lacking:
            yield ok(f"all that is needed on {len(needed)} topics and group {self.settings.app_id}")

    def needed(self) -> dict[str, tuple[AclOperation, ...]]:
        """By topic."""
        channels = Channels.of(self.settings)
        log = changelog_of(self.settings).name
        both = channels.activity, channels.results, channels.erasures, channels.dead_letters, channels.workers, log
        keys = header_keys_spec(self.settings).name
        written = [
            topic
            for topic in (
                channels.updates,
                channels.history,
                channels.reasoning,
                channels.attention,
                channels.catalogue,
            )
            if topic
        ]
        return {
            **dict.fromkeys(both, (_READ, _WRITE)),
            **dict.fromkeys(written, (_WRITE,)),
            channels.fusion_config: (_READ,),
            keys: (_READ, _WRITE),
        }

    def _topics(
        self, admin: AdminClient, needed: dict[str, tuple[AclOperation, ...]]
    ) -> Iterator[tuple[str, AclOperation]]:
        if not needed:
            return
        asked = TopicCollection(list(needed))
        described = admin.describe_topics(asked, include_authorized_operations=True, request_timeout=self.timeout_s)
        for topic, answer in described.items():
            allowed = answer.result(self.timeout_s).authorized_operations or ()
            yield from ((f"topic {topic}", operation) for operation in needed[topic] if operation not in allowed)

    def _group(self, admin: AdminClient) -> Iterator[tuple[str, AclOperation]]:
        """Not every version of Kafka describes a group without members."""
        name = self.settings.app_id
        described = admin.describe_consumer_groups(
            [name], include_authorized_operations=True, request_timeout=self.timeout_s
        )
        try:
            allowed = described[name].result(self.timeout_s).authorized_operations or ()
        except KafkaException as error:
            if error.args[0].name() == "GROUP_AUTHORIZATION_FAILED":
                yield f"group {name}", _READ
            return
        if _READ not in allowed:
            yield f"group {name}", _READ

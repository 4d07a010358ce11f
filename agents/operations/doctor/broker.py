"""The cluster: whether it answers, what it is, and whether it would let a member in for as long as is set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.admin._resource import ResourceType

from agents.config.settings import Settings
from agents.kafka.clients import open_admin
from agents.kafka.errors import BrokerUnavailable, message_of
from agents.kafka.topics import is_mock
from agents.operations.doctor.finding import Finding, ok, problem, warning

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
        """Raises BrokerUnavailable, with the client's error."""
        errors: list[str] = []
        admin = open_admin(self.settings.broker, {"error_cb": lambda error: errors.append(error.str())})
        try:
            cluster = admin.list_topics(timeout=self.timeout_s)
        except KafkaException as error:
            admin.poll(0)  # hands over the client's errors
            raise BrokerUnavailable(
                f"no Kafka broker answers at {self.settings.broker}: {errors[-1] if errors else message_of(error)}. "
                "Is it running, are the address and SKILLSTREAM_BROKER_SECURITY right?"
            ) from error
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

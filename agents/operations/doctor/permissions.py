"""What the cluster lets this client do: without it a worker ends at its start, or with the first record it writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclOperation

from agents.config.channels import Channels
from agents.config.header_keys import header_keys_spec
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.kafka.clients import open_admin
from agents.kafka.errors import BrokerUnavailable, message_of
from agents.kafka.topics import is_mock
from agents.operations.doctor.finding import Finding, ok, problem

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
        both = channels.activity, channels.results, channels.dead_letters, changelog_of(self.settings).name
        keys = header_keys_spec(self.settings).name
        written = channels.updates, channels.reasoning
        return {
            **dict.fromkeys(both, (_READ, _WRITE)),
            **dict.fromkeys(written, (_WRITE,)),
            channels.erasures: (_READ,),
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

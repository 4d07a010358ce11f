"""Who may do what on a cluster: of each part of a deployment the least that it needs, as grants of Kafka's.

worker     folds and publishes; alone writes what workers read of each other
producer   writes events, and reads nothing; with tenants one for each
platform   writes which student another id is of, where workers read it
gateway    writes events, of all tenants
consumer   reads what is published of students
verify     reads all that `verify` compares
operator   runs all other commands; alone writes `fusion-config`, and asks for erasures
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from agents.config.channels import Channels
from agents.config.header_keys import header_keys_spec
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from schemas.topics import IDENTITIES

Resource = Literal["topic", "group", "transactional-id", "cluster"]
ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class AclRule:
    """`operations`, in Kafka's words, on resources of one kind; of a cluster there is one, without a name."""

    resource: Resource
    names: Sequence[str]
    operations: Sequence[str]
    is_prefix: bool = False


def grants_of(settings: Settings, tenants: Iterable[str]) -> Mapping[str, Sequence[AclRule]]:
    """By part. Topics that are off are left out."""
    made = _Grants(settings)
    producers = [f"producer-{tenant}" for tenant in tenants] or ["producer"]
    return {
        "worker": list(made.worker()),
        **{producer: [made.topics(made.channels.activity, operations="Write")] for producer in producers},
        **made.platform(),
        "gateway": [made.topics(made.channels.activity, operations="Write")],
        "consumer": list(made.consumer()),
        "verify": list(made.verify()),
        "operator": list(made.operator()),
    }


class _Grants:
    """Of one deployment."""

    def __init__(self, settings: Settings) -> None:
        self._app_id = settings.app_id
        self.channels = Channels.of(settings)
        self._changelog = changelog_of(settings).name
        self._keys = "" if settings.header_key else header_keys_spec(settings).name
        self._replayed = f"{settings.app_id}-dead-letters-replayed"
        self._identities = settings.topic(IDENTITIES.name)

    @staticmethod
    def topics(*names: str, operations: str) -> AclRule:
        """On those that are not off."""
        return AclRule("topic", [name for name in names if name], operations.split())

    def worker(self) -> Iterator[AclRule]:
        """It writes a request for erasure where one came on a foreign partition."""
        channels = self.channels
        yield self.topics(
            channels.activity,
            channels.results,
            channels.erasures,
            channels.dead_letters,
            channels.reasoning,
            channels.norms,
            channels.norm_shards,
            channels.workers,
            channels.audit,
            channels.tenant_hold,
            channels.identity_starts,
            self._changelog,
            self._keys,
            operations="Read Write",
        )
        yield self.topics(
            channels.updates, channels.history, channels.catalogue, channels.attention, operations="Write"
        )
        yield self.topics(channels.fusion_config, channels.identities, operations="Read")
        yield AclRule("group", [self._app_id], ["Read"])
        yield from _looking()

    def platform(self) -> Mapping[str, Sequence[AclRule]]:
        """Nothing where workers do not read what it writes."""
        identities = self.channels.identities
        return {"platform": [self.topics(identities, operations="Write")]} if identities else {}

    def consumer(self) -> Iterator[AclRule]:
        """Its groups are called as its deployment, `<app id>-consumer…`."""
        channels = self.channels
        yield self.topics(
            channels.updates,
            channels.history,
            channels.reasoning,
            channels.catalogue,
            channels.norms,
            operations="Read",
        )
        yield AclRule("group", [f"{self._app_id}-consumer"], ["Read"], is_prefix=True)

    def verify(self) -> Iterator[AclRule]:
        channels = self.channels
        yield self.topics(
            channels.activity,
            channels.erasures,
            channels.updates,
            channels.reasoning,
            channels.dead_letters,
            channels.fusion_config,
            channels.catalogue,
            channels.norms,
            channels.tenant_hold,
            channels.identity_starts,
            self._changelog,
            self._keys,
            operations="Read",
        )
        yield self.topics(channels.results, operations="Describe")
        yield AclRule("group", [ANY], ["Describe"])

    def operator(self) -> Iterator[AclRule]:
        """It reads `identities` though workers may not: who is erased or exported is known by all keys."""
        channels = self.channels
        yield self.topics(
            *channels.names, self._changelog, self._keys, self._replayed, operations="Create Read DescribeConfigs"
        )
        yield self.topics(
            channels.activity,
            channels.dead_letters,
            channels.erasures,
            channels.fusion_config,
            channels.audit,
            channels.tenant_hold,
            self._changelog,
            self._keys,
            self._replayed,
            operations="Write",
        )
        if not channels.identities:
            yield self.topics(self._identities, operations="Read")
        yield self.topics(self._changelog, operations="Delete")
        yield AclRule("group", [self._app_id, f"{self._app_id}-dead-letters"], ["Read"])
        yield AclRule("transactional-id", [f"{self._app_id}-dead-letters"], ["Write"])
        yield from _looking()


def _looking() -> Iterator[AclRule]:
    """Readers outside of every group ask for the coordinator of one all the same; settings show what would be lost."""
    yield AclRule("group", [ANY], ["Describe"])
    yield AclRule("topic", [ANY], ["DescribeConfigs"])
    yield AclRule("cluster", [], ["DescribeConfigs"])


def kafka_acls(principals: Mapping[str, str], grants: Mapping[str, Sequence[AclRule]]) -> Iterator[str]:
    """The commands of Kafka's own that allow this, part by part."""
    for part, of_part in grants.items():
        yield f"# {part}"
        for grant in of_part:
            words = ['kafka-acls.sh --bootstrap-server "$BROKER" --add --allow-principal', principals[part]]
            words += [f"--operation {operation}" for operation in grant.operations]
            words += ["--resource-pattern-type prefixed"] if grant.is_prefix else []
            names = [f"'{name}'" if name == ANY else name for name in grant.names]
            words += [f"--{grant.resource} {name}" for name in names] or [f"--{grant.resource}"]
            yield " ".join(words)


def strimzi(principals: Mapping[str, str], grants: Mapping[str, Sequence[AclRule]], cluster: str) -> Iterator[str]:
    """A KafkaUser a part, as YAML, for the cluster that Strimzi knows by that name."""
    for part, of_part in grants.items():
        yield "---"
        yield "apiVersion: kafka.strimzi.io/v1"
        yield "kind: KafkaUser"
        yield "metadata:"
        yield f"  name: {principals[part].removeprefix('User:')}"
        yield f"  labels: {{strimzi.io/cluster: {cluster}}}"
        yield "spec:"
        yield "  authentication: {type: scram-sha-512}"
        yield "  authorization:"
        yield "    type: simple"
        yield "    acls:"
        for grant in of_part:
            yield from _strimzi_rules(grant)


def _strimzi_rules(grant: AclRule) -> Iterator[str]:
    kind = "transactionalId" if grant.resource == "transactional-id" else grant.resource
    pattern = "prefix" if grant.is_prefix else "literal"
    resources = [f'{{type: {kind}, name: "{name}", patternType: {pattern}}}' for name in grant.names]
    for resource in resources or [f"{{type: {kind}}}"]:
        yield f"      - resource: {resource}"
        yield f"        operations: [{', '.join(grant.operations)}]"

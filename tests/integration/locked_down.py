"""A deployment on a Kafka that is locked down, and what is allowed there."""

import shlex
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from agents.kafka.topics import ensure_topics
from agents.operations.doctor.check import Finding, exit_code, run_checks
from agents.operations.doctor.checks import checks
from agents.operations.doctor.topics import specs_of
from tests.agents.command import run_here
from tests.agents.deployment import Deployment
from tests.agents.environment import environment
from tests.servers.secured_kafka import PASSWORD, USER, SecuredKafka

_OPERATIONS: Final = {each.name.replace("_", "").lower(): each for each in AclOperation}


def access(server: SecuredKafka, user: str = USER) -> dict[str, object]:
    """By SCRAM, over TLS."""
    return {
        "broker": server.sasl_ssl,
        "broker_security": "sasl_ssl",
        "broker_mechanism": "SCRAM-SHA-512",
        "broker_user": user,
        "broker_password": PASSWORD,
        "broker_ca": server.ca,
    }


def bindings_of(lines: Iterable[str]) -> list[AclBinding]:
    """What `kafka-acls.sh` would make of these command lines."""
    parser = ArgumentParser()
    parser.add_argument("command")
    for name in ("--bootstrap-server", "--allow-principal", "--resource-pattern-type"):
        parser.add_argument(name)
    for name in ("--operation", "--topic", "--group", "--transactional-id"):
        parser.add_argument(name, action="append", default=[])
    for name in ("--add", "--cluster"):
        parser.add_argument(name, action="store_true")
    found = []
    for line in lines:
        asked = parser.parse_args(shlex.split(line))
        pattern = ResourcePatternType.PREFIXED if asked.resource_pattern_type else ResourcePatternType.LITERAL
        resources = [(ResourceType.TOPIC, name) for name in asked.topic]
        resources += [(ResourceType.GROUP, name) for name in asked.group]
        resources += [(ResourceType.TRANSACTIONAL_ID, name) for name in asked.transactional_id]
        resources += [(ResourceType.BROKER, "kafka-cluster")] if asked.cluster else []
        found += [
            AclBinding(
                kind, name, pattern, asked.allow_principal, "*", _OPERATIONS[each.lower()], AclPermissionType.ALLOW
            )
            for kind, name in resources
            for each in asked.operation
        ]
    return found


def grant(broker: str, bindings: list[AclBinding]) -> None:
    """Allow that much more."""
    admin = AdminClient({"bootstrap.servers": broker})
    for answer in admin.create_acls(bindings).values():
        answer.result(30)


class LockedDeployment(Deployment):
    """`broker` is the way in for the test itself; its commands log in as `defaults` say."""

    def make_topics(self) -> None:
        """All, as an operator would: workers may make none."""
        ensure_topics(self.broker, specs_of(self.settings))

    def environment(self, **settings: object) -> dict[str, str]:
        """Of a worker or another command."""
        return environment(self.given(**settings))

    def allowed(self, part: str) -> list[AclBinding]:
        """What `skillstream acls` prints for this part."""
        ran = run_here(self.environment(), "acls", "--part", part)
        assert ran.code == 0, ran.err
        return bindings_of(line for line in ran.text.splitlines() if not line.startswith("#"))

    def doctor(self, timeout_s: float = 10.0, **settings: object) -> tuple[int, dict[str, list[Finding]]]:
        """Its exit code, and what it found."""
        asked = checks(self.environment(**settings), None, None, timeout_s)
        found = {each.name: list(each.findings) for each in run_checks(asked, timeout_s)}
        return exit_code([finding for findings in found.values() for finding in findings]), found

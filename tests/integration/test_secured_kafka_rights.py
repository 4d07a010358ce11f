"""What `skillstream acls` prints is enough for each part of a deployment, and one right less is not."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin._acl import AclBinding, AclOperation
from msgspec import structs

from agents.config.settings import Settings, load_settings
from agents.kafka.connection import client_config
from agents.kafka.errors import TopicForbidden
from agents.kafka.reader import read_to_end
from streams.input.tenancy import Tenancy
from tests.agents.command import Ran, run_here
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Sent
from tests.events import raw
from tests.integration.locked_down import LockedDeployment, access, grant
from tests.servers.secured_kafka import PASSWORD, SecuredKafka

NAME: Final = "rights"
TENANCY: Final = Tenancy({"north": "north:", "south": "south:"}, {"north": [b"n" * 32], "south": [b"s" * 32]})
TENANTS: Final = "".join(
    f'[tenants.{name}]\nstudents = "{name}:"\nsigning_keys = ["{name[0] * 32}"]\n' for name in ("north", "south")
)
ADA, BOB, EVE = "north:ada", "north:bob", "south:eve"
PARTS: Final = ("worker", "producer-north", "gateway", "consumer", "verify", "operator")
DECIDING: Final = {
    "erasures": {"worker", "operator"},
    "reasoning-results": {"worker"},
    "fusion-config": {"operator"},
    "tenant-holds": {"worker", "operator"},
    "audit": {"worker", "operator"},
}
ALLOWED: Final = (
    # part, exit code, what it does
    ("operator", 0, "topics create"),
    ("operator", 0, "topics check"),
    ("worker", 0, "doctor"),
    ("operator", 0, "lag"),
    ("operator", 0, "config set --level proficient=0.8 --reason why"),
    ("operator", 0, "config history"),
    ("operator", 0, "catalogue"),
    ("operator", 0, f"student {ADA}"),
    ("operator", 0, f"export-person {ADA}"),
    ("operator", 0, "export --jsonl"),
    ("operator", 0, "rescore"),
    ("operator", 0, "norms history"),
    ("operator", 0, "dead-letters list"),
    ("operator", 1, "tenants held"),
    ("operator", 0, "tenants release south"),
    ("operator", 0, "dead-letters replay --policy drop --yes"),
    ("verify", 0, "verify --wait 30"),
    ("operator", 0, f"erase {ADA} --yes"),
    ("operator", 0, "audit --verify"),
)
NO_DELETE: Final = "DELETE rights-students-changelog"
LACKING: Final = (
    # part, the right that it lacks, exit code, what it cannot do, what is said
    ("operator", "WRITE erasures", 3, f"erase {BOB} --yes --wait 1", "rights.erasures"),
    ("operator", "WRITE audit", 3, f"export-person {BOB}", "rights.audit"),
    ("operator", "WRITE fusion-config", 3, "config set --level proficient=0.7 --reason why", "rights.fusion-config"),
    ("operator", "WRITE tenant-holds", 3, "tenants release south", "rights.tenant-holds"),
    (
        "operator",
        "WRITE student-activity",
        4,
        "dead-letters replay --policy reinsert --yes",
        "Broker: Topic authorization failed",
    ),
    ("operator", "WRITE rights-dead-letters", 4, "dead-letters replay --policy reinsert --yes", "transaction"),
    ("operator", "READ skill-history", 4, f"export-person {BOB}", "rights.skill-history"),
    ("verify", "READ rights-students-changelog", 4, "verify", "rights-students-changelog"),
    ("verify", "READ tenant-holds", 4, "verify", "rights.tenant-holds"),
    ("worker", "READ fusion-config", 1, "doctor", "rights.fusion-config"),
)


class RightsDeployment(LockedDeployment):
    """Of two tenants. Each part logs in as a user of its name, with what is printed for it."""

    @property
    def settings(self) -> Settings:
        return structs.replace(super().settings, tenants=str(self.defaults["tenants"]))

    def run(self, user: str, command: str) -> Ran:
        """A command of that user's."""
        return run_here(self.environment(broker_user=user), *command.split())

    def config(self, user: str) -> dict[str, Any]:
        """Of a client of that user's."""
        return dict(client_config(load_settings(self.environment(broker_user=user)).broker))


def lacks(part: str, right: str) -> str:
    """The user that may do less than its part."""
    return f"{part}-without-{right.replace(' ', '-').lower()}"


def without(allowed: list[AclBinding], right: str, user: str) -> list[AclBinding]:
    operation, name = right.split()
    taken = AclOperation[operation], {name, f"{NAME}.{name}"}
    kept = [each for each in allowed if not (each.operation == taken[0] and each.name in taken[1])]
    assert len(kept) < len(allowed), right
    return [as_user(each, user) for each in kept]


def as_user(each: AclBinding, user: str) -> AclBinding:
    return AclBinding(
        each.restype, each.name, each.resource_pattern_type, f"User:{user}", "*", each.operation, each.permission_type
    )


@pytest.fixture(scope="module")
def deployment(secured_kafka: SecuredKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RightsDeployment]:
    """A worker has folded what producers sent; one of the tenants is held."""
    folder = tmp_path_factory.mktemp(NAME)
    tenants = folder / "tenants.toml"
    tenants.write_text(TENANTS)
    given = {**access(secured_kafka), "tenants": tenants, "dead_letter_max_consecutive": 3, "start_timeout_s": 5}
    made = RightsDeployment(secured_kafka.bootstrap, folder, given, name=NAME)
    allowed = {part: made.allowed(part) for part in PARTS}
    granted = {part: [as_user(each, part) for each in allowed[part]] for part in PARTS}
    lacking = [("operator", NO_DELETE), *((part, right) for part, right, *_ in LACKING)]
    granted |= {lacks(*each): without(allowed[each[0]], each[1], lacks(*each)) for each in lacking}
    secured_kafka.admit_by_scram(PASSWORD, *granted)
    grant(made.broker, [each for of_user in granted.values() for each in of_user])
    ran = made.run("operator", "topics create")
    assert ran.code == 0, ran.err
    worker = made.start(broker_user="worker")
    worker.await_ready()
    send(made, "producer-north", [signed("north", name, raw("attempt", name)) for name in (ADA, BOB)])
    send(made, "gateway", [signed("south", EVE, b"x") for _ in range(6)])
    made.await_caught_up()
    yield made
    for each in made.workers:
        each.end()


def signed(tenant: str, student: str, value: bytes) -> Sent:
    headers: Any = TENANCY.sign(tenant, student.encode(), value)
    return Sent(student.encode(), value, headers=headers)


def send(deployment: RightsDeployment, user: str, records: list[Sent]) -> None:
    producer = Producer({**deployment.config(user), "enable.idempotence": True})
    for each in records:
        producer.produce(deployment.channels.activity, each.value, each.key, each.place, headers=list(each.headers))
    assert producer.flush(30) == 0


@pytest.mark.parametrize(("part", "right", "code", "command", "said"), LACKING)
def test_a_command_says_what_it_may_not_do(
    deployment: RightsDeployment, part: str, right: str, code: int, command: str, said: str
) -> None:
    ran = deployment.run(lacks(part, right), command)

    assert (ran.code, said in ran.err + ran.text) == (code, True), (ran.err, ran.text)
    assert "Traceback" not in ran.err


def test_each_command_works_with_what_is_printed_for_its_part(deployment: RightsDeployment) -> None:
    for part, code, command in ALLOWED:
        ran = deployment.run(part, command)
        assert ran.code == code, (command, ran.err, ran.text)

    [worker] = deployment.workers
    assert worker.terminate() == 0, worker.tail()
    refused = deployment.run(lacks("operator", NO_DELETE), "rebuild --yes")
    assert (refused.code, "rights-students-changelog can't be deleted" in refused.err) == (4, True), refused.err
    ran = deployment.run("operator", "rebuild --yes")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("part", PARTS)
def test_nobody_but_its_part_writes_what_is_decided_by(deployment: RightsDeployment, part: str) -> None:
    refused = []
    producer = Producer({**deployment.config(part), "message.timeout.ms": 5_000})
    for topic in (topic for topic, writers in DECIDING.items() if part not in writers):

        def note(error: KafkaError | None, _: object, topic: str = topic) -> None:
            refused.append((topic, error and error.code()))

        producer.produce(f"{NAME}.{topic}", b"{}", b"k", 0, on_delivery=note)
    producer.flush(10)

    assert dict(refused) == {
        topic: KafkaError.TOPIC_AUTHORIZATION_FAILED for topic, writers in DECIDING.items() if part not in writers
    }


def test_a_consumer_reads_what_is_published_and_not_what_was_sent(deployment: RightsDeployment) -> None:
    consumer = Consumer(
        {**deployment.config("consumer"), "group.id": f"{NAME}-consumer-1", "auto.offset.reset": "earliest"}
    )
    try:
        consumer.subscribe([deployment.channels.updates])
        until(lambda: (message := consumer.poll(1)) is not None and message.error() is None, "an update is read", 20)
    finally:
        consumer.close()
    settings = load_settings(deployment.environment(broker_user="consumer"))
    with pytest.raises(TopicForbidden, match="may not be seen"):
        list(read_to_end(settings.broker, deployment.channels.activity))

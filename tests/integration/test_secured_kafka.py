"""A Kafka that asks who one is, and lets nobody do more than docs/operating.md asks for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka.admin._acl import AclBinding
from confluent_kafka.admin._resource import ResourceType

from agents.config.settings import Settings, load_settings
from agents.kafka.reader import TopicReader
from agents.kafka.second_reader import read_as_workers_do
from agents.operations.doctor.topics import survey
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Sent
from tests.integration.locked_down import LockedDeployment, access, bindings_of, grant
from tests.servers.secured_kafka import USER, SecuredKafka

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "operating.md"
CLASS: Final = [Sent(record.key, record.value) for record in simulate(12, 600, seed=7, faults=0.02)]
_TIMEOUT_S: Final = 30.0


def documented() -> list[AclBinding]:
    """The kafka-acls.sh commands of the page, of workers."""
    lines = DOCUMENT.read_text("utf-8").splitlines()
    return bindings_of(line for line in lines if f"--allow-principal User:{USER} " in line)


class Documented(LockedDeployment):
    """Named as the page has it."""

    @property
    def settings(self) -> Settings:
        """Of who may do everything."""
        return Settings(broker=self.broker, app_id=self.name, partitions=PARTITIONS)


@pytest.fixture(scope="module")
def deployment(secured_kafka: SecuredKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documented]:
    """Its workers log in by SCRAM, over TLS; they may do nothing yet."""
    secured_kafka.admit_by_scram()
    given = {**access(secured_kafka), "topic_prefix": "", "start_timeout_s": 30}
    made = Documented(secured_kafka.bootstrap, tmp_path_factory.mktemp("secured"), given, name=USER)
    made.make_topics()
    yield made
    for worker in made.workers:
        worker.end()


def test_a_worker_does_with_what_the_page_allows_and_with_no_less(deployment: Documented) -> None:
    bindings = documented()
    code, found = deployment.doctor()
    assert (code, "can't be created" in found["topics"][0].said) == (1, True)
    grant(deployment.broker, [each for each in bindings if each.restype != ResourceType.GROUP])
    until(lambda: deployment.doctor()[1]["topics"][0].status == "ok", "the topics are seen")
    assert [finding.said for finding in deployment.doctor()[1]["permissions"]] == [
        "READ is not allowed on group skillstream"
    ]
    refused = deployment.start()
    assert refused.exit_code() == 4, refused.tail()

    grant(deployment.broker, bindings)
    until(lambda: deployment.doctor()[0] == 0, "the doctor is content")
    assert all(finding.status == "ok" for finding in deployment.doctor()[1]["permissions"])
    for part in (CLASS[:400], CLASS[400:]):
        deployment.send(part)
        worker = deployment.start()
        worker.await_ready()
        deployment.await_caught_up()
        assert worker.terminate() == 0, worker.tail()
        assert "can't be read" not in worker.log

    assert deployment.dead_letters()
    assert deployment.differences(deployment.replay()) == []
    surveyed = survey(load_settings(deployment.environment()), 10)
    assert [each.deviations for each in surveyed] == [[]] * len(surveyed)


def test_plain_lets_in_without_tls_and_a_wrong_password_does_not(
    deployment: Documented, secured_kafka: SecuredKafka
) -> None:
    grant(deployment.broker, documented())
    plain: dict[str, Any] = {
        "broker": secured_kafka.sasl_plaintext,
        "broker_security": "sasl_plaintext",
        "broker_mechanism": "PLAIN",
        "broker_ca": "",
    }
    until(lambda: deployment.doctor(**plain)[0] == 0, "the doctor is content")
    worker = deployment.start(**plain)
    worker.await_ready()
    assert worker.terminate() == 0

    code, found = deployment.doctor(5.0, **plain, broker_password="guessed")

    assert code == 3
    assert "the log-in is refused" in found["broker"][0].said
    assert "guessed" not in str(found)
    assert deployment.start(**plain, broker_password="guessed", start_timeout_s=5).exit_code() == 3


def test_the_second_reader_logs_in_as_the_first_does(deployment: Documented) -> None:
    grant(deployment.broker, documented())
    until(lambda: deployment.doctor()[0] == 0, "the doctor is content")
    deployment.send([Sent(b"s", b"{}", partition=0)])
    broker, topic = load_settings(deployment.environment()).broker, deployment.channels.activity
    with TopicReader(broker, topic, "any", _TIMEOUT_S) as reader:
        end = reader.span(0)[1]
        [first] = reader.read(0, end - 1)

    [second], behind = read_as_workers_do(broker, {(topic, 0): end - 1})

    assert behind == {(topic, 0): end}
    assert [(each.offset(), each.key(), each.value(), each.timestamp()) for each in (first, second)] == [
        (end - 1, b"s", b"{}", first.timestamp())
    ] * 2

"""What a worker sets up on a real broker, and what it says of it: topics as declared, lag as the broker has it."""

from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from agents.delivery.settings import DeliverySettings, changelog_spec
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed
from tests.servers.kafka import RealKafka

EVENTS = 30_000


def configs(broker: str, topics: list[str]) -> dict[str, dict[str, str]]:
    admin = AdminClient({"bootstrap.servers": broker})
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic) for topic in topics])
    return {
        resource.name: {name: str(entry.value) for name, entry in answer.result(30).items()}
        for resource, answer in asked.items()
    }


def test_a_worker_makes_its_topics_with_the_settings_declared(kafka: str, tmp_path: Path) -> None:
    deployment = Deployment(kafka, tmp_path)
    worker = deployment.start()
    try:
        worker.await_ready()
        delivery = DeliverySettings(app_id=deployment.name, broker=kafka, sources=("any",), partitions=PARTITIONS)
        wanted = [*deployment.channels.specs(deployment.settings), changelog_spec(delivery)]
        known = AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=30).topics
        found = configs(kafka, [spec.name for spec in wanted])
    finally:
        worker.end()

    for spec in wanted:
        assert len(known[spec.name].partitions) == PARTITIONS
        noted = {name: found[spec.name][name] for name in spec.config}
        if spec.name != deployment.changelog:  # its largest batch follows the largest record, which is a setting
            assert noted == dict(spec.config)
    assert found[deployment.changelog]["cleanup.policy"] == "compact"


def test_the_lag_told_is_the_broker_s_and_is_zero_once_caught_up(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, max_batch_records=500) as deployment:
        deployment.send(Sent(record.key, record.value) for record in simulate(40, EVENTS, seed=8))
        activity = deployment.channels.activity
        ends = [deployment.end(activity, partition) for partition in range(PARTITIONS)]
        worker = deployment.start()
        seen: list[list[int]] = []

        def caught_up() -> bool:
            noted = worker.get("/health/detailed").json["lag"]["partitions"]
            after = deployment.committed()
            parts = [part for part in noted if part["topic"] == activity]
            if parts:
                assert [part["end"] for part in parts] == ends
                assert all((part["committed"] or 0) <= after[part["partition"]] for part in parts)
                assert all(p["lag_records"] == p["end"] - (p["committed"] or 0) for p in parts)
                seen.append([part["lag_records"] for part in parts])
            return bool(seen) and sum(seen[-1]) == 0

        until(caught_up, "a lag of 0", 120.0)

        assert sum(seen[0]) > 0, "looked too late to prove anything"
        assert seen == sorted(seen, key=sum, reverse=True), "a lag of a topic that stands still only falls"
        assert deployment.committed() == ends
        lags = {name: value for name, value in worker.metrics().items() if name.startswith("consumer_lag_records")}
        assert len(lags) == PARTITIONS * len(deployment.channels.sources)
        assert set(lags.values()) == {0.0}


def test_a_worker_starts_on_a_broker_that_has_only_just_started(own_kafka: RealKafka, tmp_path: Path) -> None:
    """Asking such a broker for the group's offsets by the admin client ended every other worker by a segmentation
    fault (confluent-kafka 2.16.1): the lag's reader asks otherwise.
    """
    with deployed(own_kafka.bootstrap, tmp_path) as deployment:
        worker = deployment.start()
        worker.await_ready()

        assert worker.terminate() == 0


def test_an_open_transaction_is_a_metric_and_a_reason_in_health_until_it_ends(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, open_transaction_s=1) as deployment:
        worker = deployment.start()
        worker.await_ready()
        patient = {"transaction.timeout.ms": 300_000}
        producer = Producer({"bootstrap.servers": kafka, "transactional.id": deployment.name, **patient})
        producer.init_transactions(30)
        producer.begin_transaction()
        for record in simulate(3, 30, seed=8):
            producer.produce(deployment.channels.activity, record.value, record.key, 2)
        assert producer.flush(30) == 0

        def held() -> dict[str, float]:
            return {n: v for n, v in worker.metrics().items() if n.startswith("open_transaction_records")}

        until(lambda: sum(held().values()) == 30, "the records that wait are counted", 60.0)
        until(lambda: "open transaction" in worker.get("/health").json["problems"].get("lag", ""), "it is told", 60.0)
        assert worker.metrics()[f'consumer_lag_records{{partition="2",topic="{deployment.channels.activity}"}}'] == 0
        producer.commit_transaction(30)
        until(lambda: held() == {} and worker.get("/health").json["status"] == "ok", "all is well again", 60.0)
        assert worker.terminate() == 0

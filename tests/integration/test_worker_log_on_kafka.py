"""What an outage leaves in a worker's log, and what its group calls it, on a real Kafka and a real Redis."""

import json
import socket
import time
from pathlib import Path

from confluent_kafka.admin import AdminClient

from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Sent, deployed
from tests.servers.kafka import RealKafka
from tests.servers.redis import RealRedis

OUTAGE_S = 8.0
MOST_LINES = 150
"""In 8 s and what follows; libraries alone wrote tens of thousands."""


def test_a_member_is_named_after_its_host_and_instance(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, instance_id="one/of two") as deployment:
        worker = deployment.start()
        worker.await_ready()
        admin = AdminClient({"bootstrap.servers": kafka})
        (members,) = [each.result(30).members for each in admin.describe_consumer_groups([deployment.name]).values()]

        assert [member.client_id for member in members] == [f"skillstream-{socket.gethostname()}-one-of-two"]
        assert worker.terminate() == 0


def test_an_outage_of_the_broker_under_load_is_a_few_lines_and_each_is_json(
    own_kafka: RealKafka, tmp_path: Path
) -> None:
    with deployed(own_kafka.bootstrap, tmp_path, log_format="json", max_batch_records=200) as deployment:
        deployment.send(Sent(record.key, record.value) for record in simulate(100, 60_000, seed=5))
        worker = deployment.start()
        until(lambda: sum(deployment.committed()) > 1_000, "it works", 90.0)
        before = len(worker.log.splitlines())
        own_kafka.kill()
        back_s = time.monotonic() + OUTAGE_S
        until(lambda: time.monotonic() > back_s, "the outage is over", 2 * OUTAGE_S)
        own_kafka.restart()
        until(lambda: not worker.alive or deployment.lag() == 0, "it goes on, or has ended", 120.0)
        if worker.alive:
            worker.terminate()
        said = [json.loads(line) for line in worker.log.splitlines()]

    assert len(said) - before < MOST_LINES, "\n".join(line["message"] for line in said[before:])
    assert "exit_code" in said[-1], "the last line says how it ended"


def test_redis_lost_and_back_is_a_line_each(kafka: str, own_redis: RealRedis, tmp_path: Path) -> None:
    settings = {"reasoning": "scripted", "redis_url": own_redis.url, "log_format": "json"}
    with deployed(kafka, tmp_path, **settings) as deployment:
        worker = deployment.start()
        worker.await_ready()

        def said(start: str) -> int:
            return sum(json.loads(line)["message"].startswith(start) for line in worker.log.splitlines())

        own_redis.kill()
        until(lambda: said("Redis is away, at ") == 1, "that Redis is lost", 60.0)
        own_redis.restart()
        until(lambda: said("Redis is back, at ") == 1, "that Redis is back", 60.0)
        assert worker.terminate() == 0
        assert said("Redis is away") == 1

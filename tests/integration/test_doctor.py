"""The doctor on a real Kafka and a real Redis: its verdict is what a worker then does."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from confluent_kafka import Producer

from agents.kafka.topics import TopicSpec, ensure_topics
from agents.operations.doctor.check import Finding, exit_code, run_checks
from agents.operations.doctor.checks import checks
from streams.limits.redis import connect
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, deployed
from tests.agents.openai_thread import OpenAIThread
from tests.agents.worker_process import WorkerProcess
from tests.integration.test_recreated_topics import a_class, fold_all
from tests.servers.topics import delete_before, recreate

TIMEOUT_S = 10.0
NOWHERE = "127.0.0.1:1"


def environment(deployment: Deployment, **settings: object) -> dict[str, str]:
    given = deployment.given(start_timeout_s=3, **settings)
    return {f"SKILLSTREAM_{name.upper()}": str(value) for name, value in given.items()}


def examined(deployment: Deployment, foreign: dict[str, str], **settings: object) -> dict[str, Sequence[Finding]]:
    asked = checks(environment(deployment, **settings) | foreign, None, None, TIMEOUT_S)
    return {each.name: each.findings for each in run_checks(asked, TIMEOUT_S)}


def verdict(found: dict[str, Sequence[Finding]]) -> int:
    return exit_code([finding for findings in found.values() for finding in findings])


def starts(worker: WorkerProcess) -> bool:
    """Whether it comes to work, rather than to an end."""
    until(lambda: not worker.alive or "Pages at" in worker.log, "the worker says where its pages are, or ends")
    until(lambda: not worker.alive or is_ready(worker), "the worker is ready, or ends")
    alive = worker.alive
    worker.end()
    return alive


def is_ready(worker: WorkerProcess) -> bool:
    try:
        return worker.get("/ready").status == 200
    except OSError:  # it has just ended
        return False


def assert_agree(
    deployment: Deployment, check: str, expected: int, foreign: dict[str, str] | None = None, **settings: Any
) -> str:
    """The doctor's exit code is as expected, for what `check` has found, and a worker does what it says."""
    found = examined(deployment, foreign or {}, **settings)
    said = " ".join(f"{finding.said} {finding.advice}" for finding in found[check])
    assert verdict(found) == expected, found
    worker = deployment.start(foreign, start_timeout_s=3 if expected else 30, **settings)
    assert starts(worker) == (expected == 0), worker.tail()
    if expected:
        assert any(finding.status == "problem" for finding in found[check]), found
    return said


@pytest.fixture(scope="module")
def deployment(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One that has folded a class; no worker runs."""
    with deployed(kafka, tmp_path_factory.mktemp("doctor")) as made:
        made.send(a_class(1))
        fold_all(made)
        yield made


def test_a_sound_deployment_starts(deployment: Deployment, redis: str) -> None:
    said = assert_agree(deployment, "table", 0, redis_url=redis, reasoning="scripted", session_timeout_s=6)

    assert "rows, which belong to" in said


def test_what_is_unavailable_is_code_3(deployment: Deployment) -> None:
    assert NOWHERE in assert_agree(deployment, "broker", 3, broker=NOWHERE)


def test_without_redis_a_worker_starts(deployment: Deployment) -> None:
    assert NOWHERE in assert_agree(
        deployment, "redis", 0, redis_url=f"redis://x:hidden@{NOWHERE}", reasoning="scripted"
    )


def test_a_session_that_the_cluster_refuses(deployment: Deployment) -> None:
    assert "6 to 1800 s" in assert_agree(deployment, "broker", 1, session_timeout_s=2)


def test_a_replication_that_the_cluster_cannot_have(deployment: Deployment) -> None:
    said = assert_agree(deployment, "topics", 1, topic_prefix=f"{deployment.name}.new.", replication=3)

    assert "can't be created" in said


def test_partitions_that_do_not_fit(deployment: Deployment) -> None:
    assert "has 4 partitions, 6 are needed" in assert_agree(deployment, "topics", 1, partitions=6)


def test_the_key_is_asked_for_without_spending_a_call(deployment: Deployment) -> None:
    with OpenAIThread() as provider:
        keys = {"OPENAI_API_KEY": "sk-loopback-secret", "OPENAI_BASE_URL": provider.url}
        provider.server.served = {"gpt-4.1": "2999-01-14"}
        assert "gpt-4.1 is served until 2999-01-14" in assert_agree(deployment, "models", 0, keys, reasoning="openai")
        provider.server.served = {"another": None}
        said = assert_agree(deployment, "models", 0, keys, reasoning="openai")
        assert "does not list gpt-4.1 (it lists another): it is asked unseen" in said
        found = examined(deployment, keys, reasoning="openai")

    assert provider.server.calls == []
    assert "sk-loopback-secret" not in str(found)
    away = keys | {"OPENAI_BASE_URL": f"http://{NOWHERE}/v1"}
    assert "without explanations" in assert_agree(deployment, "models", 0, away, reasoning="openai", openai_timeout_s=2)


def test_a_script_that_redis_forbids(deployment: Deployment, redis: str) -> None:
    password = "of-the-limited-user"
    asyncio.run(_limit_user(redis, "limited", password))
    limited = redis.replace("redis://", f"redis://limited:{password}@")
    settings: dict[str, Any] = {"redis_url": limited, "reasoning": "scripted"}

    assert "script may not be run" in assert_agree(deployment, "redis", 0, **settings)
    assert "script may not be run" in assert_agree(deployment, "redis", 0, seed_limits="true", **settings)
    assert password not in str(examined(deployment, {}, **settings))


async def _limit_user(url: str, name: str, password: str) -> None:
    async with connect(url) as client:
        await client.acl_setuser(
            name, enabled=True, passwords=[f"+{password}"], keys=["*"], categories=["+@all", "-@scripting"]
        )


def test_producers_that_place_keys_by_another_rule(deployment: Deployment) -> None:
    prefix = f"{deployment.name}.crc."
    topic = f"{prefix}student-activity"
    assert "no record yet" in examined(deployment, {}, topic_prefix=prefix)["partitioner"][0].said
    ensure_topics(deployment.broker, [TopicSpec(topic, PARTITIONS)])
    producer = Producer({"bootstrap.servers": deployment.broker, "partitioner": "consistent_random"})
    for number in range(400):
        producer.produce(topic, b"{}", f"student-{number}".encode())
    assert producer.flush(60) == 0

    found = examined(deployment, {}, topic_prefix=prefix)["partitioner"][0]
    assert (found.status, "murmur2_random" in found.advice) == ("warning", True)
    assert "SKILLSTREAM_PARTITIONER=crc32" in found.advice
    assert examined(deployment, {}, topic_prefix=prefix, partitioner="crc32")["partitioner"][0].status == "ok"


def test_a_table_and_a_topic_that_do_not_belong_together(deployment: Deployment) -> None:
    """Last: nothing is left of the class after it."""
    ends = {partition: deployment.end(deployment.changelog, partition) for partition in range(PARTITIONS)}
    delete_before(deployment.broker, deployment.changelog, {partition: end - 3 for partition, end in ends.items()})
    assert "skillstream rebuild" in assert_agree(deployment, "table", 1)
    recreate(deployment.broker, deployment.topic(deployment.channels.activity))
    assert "skillstream adopt-topic" in assert_agree(deployment, "table", 1)
    recreate(deployment.broker, deployment.topic(deployment.changelog))
    assert "0 rows" in assert_agree(deployment, "table", 0)

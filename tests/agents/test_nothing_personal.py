"""Canaries in all that producers can write, in every dialect, through a whole worker: none shows where it must not."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.agents.canaries import DERIVED, MARK, STUDENTS, broken_records, named_events
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, deployed
from tests.agents.openai_thread import OpenAIThread
from tests.agents.single_students import FAST_LIMITS
from tests.agents.worker_process import WorkerProcess
from tests.servers.openai import good, throttled, ungrounded
from tests.servers.redis import RealRedis

Shown = dict[str, bytes]
PAGES = (
    "/",
    "/worker/figures",
    "/group/figures",
    "/live",
    "/ready",
    "/health",
    "/health/detailed",
    "/metrics",
    "/dialects/seen",
)


@pytest.fixture(scope="module")
def shown(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shown, Deployment]]:
    """All that a worker showed while it worked on canaries, by where; the provider fails and errs before it is good."""
    folder = tmp_path_factory.mktemp("canaries")
    with (
        RealRedis() as server,
        OpenAIThread() as provider,
        deployed(
            broker,
            folder,
            model="none",
            reasoning="openai",
            redis_url=server.url,
            usd_per_day=100,
            school_separator=":",
            header_key="of-our-own-headers-000000000000000",
            **FAST_LIMITS,
        ) as deployment,
    ):
        provider.plan(throttled(retry_after="1"), ungrounded, then=good)
        around = {"OPENAI_API_KEY": "sk-loopback", "OPENAI_BASE_URL": provider.url}
        worker = deployment.start(around, log_level="debug")
        worker.await_ready()
        deployment.send([*named_events(), *broken_records()])
        students = set(STUDENTS.values())
        until(lambda: {each.student_id for each in deployment.explanations()} >= students, "an explanation each")
        deployment.await_caught_up()
        yield _collected(deployment, worker, provider, server), deployment


def _collected(deployment: Deployment, worker: WorkerProcess, provider: OpenAIThread, server: RealRedis) -> Shown:
    dead = deployment.dead_letters()
    shown = {f"page {path}": worker.get(path).body for path in PAGES}
    shown["provider"] = b"\n".join(
        b" ".join((each.method.encode(), each.path.encode(), repr(each.headers).encode(), each.body))
        for each in provider.exchanges
    )
    shown["dead letters' reasons"] = repr([dead_letter for _, dead_letter in dead]).encode()
    shown["redis"] = _all_in(server)
    assert worker.terminate() == 0
    shown["log"] = worker.log_path.read_bytes()
    return shown


def _all_in(server: RealRedis) -> bytes:
    """Keys and values, whatever their type."""
    with redis.Redis.from_url(server.url) as client:
        values: list[Any] = []
        for key in client.scan_iter():
            read = {
                b"string": client.get,
                b"hash": client.hgetall,
                b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
                b"set": client.smembers,
                b"list": lambda key: client.lrange(key, 0, -1),
                b"stream": client.xrange,
            }[client.type(key)]
            values.append((key, read(key)))
        return repr(values).encode()


@pytest.mark.parametrize("place", ["provider", "log", "redis", "dead letters' reasons", *(f"page {p}" for p in PAGES)])
def test_no_canary_shows(shown: tuple[Shown, Deployment], place: str) -> None:
    text = shown[0][place].decode("utf-8", "replace").lower()
    assert text
    for canary in (MARK, DERIVED, "zebedee"):
        at = text.find(canary)
        assert at < 0, text[max(at - 200, 0) : at + 100]


def test_all_of_it_was_there_to_be_shown(shown: tuple[Shown, Deployment]) -> None:
    places, deployment = shown
    made = {each.student_id: each.generator for each in deployment.explanations()}
    assert made == dict.fromkeys(STUDENTS.values(), "model")
    assert len(deployment.dead_letters()) == len(broken_records())
    assert MARK.encode() in b"".join(record.value or b"" for record, _ in deployment.dead_letters())
    assert b"/chat/completions" in places["provider"]
    assert b"DEBUG" in places["log"] or b'"debug"' in places["log"]
    assert b"usd" in places["redis"]

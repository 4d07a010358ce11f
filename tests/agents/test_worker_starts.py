"""How a worker process starts, or refuses to, and how it stops."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from streams.rows.codec import decode_row
from streams.simulation import simulate
from tests.agents.command import run_here
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Sent, deployed
from tests.agents.environment import environment
from tests.agents.openai_thread import OpenAIThread
from tests.agents.single_students import many_of
from tests.agents.worker_process import WorkerProcess
from tests.servers.openai import failing
from tests.servers.ports import free_ports


def test_sigterm_under_load_drains_commits_what_it_did_and_exits_zero(broker: str, tmp_path: Path) -> None:
    with deployed(broker, tmp_path, model="none", max_batch_records=5) as deployment:
        deployment.send(Sent(record.key, record.value) for record in simulate(40, 20_000, seed=3))
        worker = deployment.start()
        until(lambda: sum(deployment.committed()) > 500, "some commits")

        assert worker.terminate() == 0, worker.tail()

        committed = deployment.committed()
        assert 500 < sum(committed) < 20_000, "stopped too late to prove anything"
        rows = deployment.table()
        for partition in range(PARTITIONS):
            offsets = [decode_row(stored).offset for _, stored in rows.items(partition)]
            assert max(offsets, default=-1) < committed[partition], "a row holds what was never committed"
        said = {update.student_id: update.seq for update in deployment.updates()}
        for partition in range(PARTITIONS):
            for key, stored in rows.items(partition):
                assert said[key.decode()] == (0, decode_row(stored).offset)


@pytest.fixture(scope="module")
def refusing() -> Iterator[OpenAIThread]:
    """A provider that refuses every key."""
    with OpenAIThread() as provider:
        provider.server.listing = lambda: web.json_response({"error": {"code": "invalid_api_key"}}, status=401)
        provider.plan(then=failing(401, "invalid_api_key"))
        yield provider


Refused = tuple[dict[str, object], dict[str, str]]
"""Settings of a worker that cannot do its job, and other variables."""

BASE: Final = {"app_id": "refused", "topic_prefix": "refused.", "web_port": 0, "model": "none", "reasoning": "off"}
UNSUITABLE: Final[dict[str, tuple[Refused, tuple[str, ...]]]] = {
    "no key": (({"reasoning": "openai"}, {}), ("OPENAI_API_KEY", "SKILLSTREAM_REASONING=scripted")),
    "empty key": (
        ({"reasoning": "openai"}, {"OPENAI_API_KEY": "  "}),
        ("OPENAI_API_KEY", "SKILLSTREAM_REASONING=scripted"),
    ),
    "bad setting": (({"partitions": "many"}, {}), ("SKILLSTREAM_PARTITIONS", "many", "whole number of 1..10000")),
    "unknown setting": (
        ({"partitons": 4}, {}),
        ("SKILLSTREAM_PARTITONS", "no such setting", "Did you mean SKILLSTREAM_PARTITIONS?"),
    ),
    "open to the network": (
        ({"web_host": "0.0.0.0"}, {}),
        ("web_host 0.0.0.0", "SKILLSTREAM_WEB_TOKEN", "token_urlsafe"),
    ),
    "token that is guessed": (
        ({"web_host": "0.0.0.0", "web_token": "changeme"}, {}),
        ("SKILLSTREAM_WEB_TOKEN has 8 characters", "token_urlsafe"),
    ),
    "Redis without a scheme": (
        ({"reasoning": "scripted", "redis_url": ":hush@redis:6379"}, {}),
        ("SKILLSTREAM_REDIS_URL is not redis://",),
    ),
    "password in the broker": (
        ({"broker": "user:hush@kafka:9092"}, {}),
        ("SKILLSTREAM_BROKER is not host:port", "_PASSWORD"),
    ),
}


@pytest.mark.parametrize("case", UNSUITABLE)
def test_settings_with_which_a_worker_cannot_do_its_job_are_refused_with_the_reason(case: str) -> None:
    """Before anything is started: in this process."""
    (settings, variables), said = UNSUITABLE[case]

    ran = run_here(environment({"broker": "127.0.0.1:1", **BASE, **settings}, variables), "worker")

    assert ran.code == 2, ran.err
    require_plain(ran.err, said)


def require_plain(log: str, said: tuple[str, ...]) -> None:
    """The last line says all of it, and no line a secret or where in the code it was."""
    message = log.splitlines()[-1]
    for part in said:
        assert part in message
    assert "Traceback" not in log
    assert "hush" not in log


@pytest.fixture(scope="module")
def refused(
    broker: str, refusing: OpenAIThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, WorkerProcess]]:
    """Workers that find no place to work in, all started side by side to save time."""
    folder = tmp_path_factory.mktemp("refused")
    (nobody,) = free_ports(1)
    cases: dict[str, Refused] = {
        "no Kafka": ({"broker": f"127.0.0.1:{nobody}", "start_timeout_s": 2}, {}),
        "unknown host": ({"broker": "no-such-host.invalid:9092", "start_timeout_s": 2}, {}),
        "refused key, required": (
            {"reasoning": "openai", "reasoning_required": "true"},
            {"OPENAI_API_KEY": "sk-hush", "OPENAI_BASE_URL": refusing.url},
        ),
        "address of another machine": ({"web_host": "192.0.2.1", "web_token": "quite a long secret"}, {}),
    }
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        cases["port in use"] = ({"web_port": taken.getsockname()[1]}, {})
        workers = {
            name: WorkerProcess({"broker": broker, **BASE, **settings}, folder / f"{number}.log", variables)
            for number, (name, (settings, variables)) in enumerate(cases.items())
        }
        yield workers
        for worker in workers.values():
            worker.end()


REFUSALS: Final = {
    "no Kafka": (3, ("no Kafka broker answers at 127.0.0.1:", "Is it running")),
    "unknown host": (3, ("no-such-host.invalid does not resolve",)),
    "refused key, required": (3, ("401 (invalid_api_key)", "OPENAI_API_KEY", "SKILLSTREAM_REASONING_REQUIRED")),
    "address of another machine": (2, ("192.0.2.1", "SKILLSTREAM_WEB_HOST")),
    "port in use": (3, ("the web pages can't be served at 127.0.0.1:", "SKILLSTREAM_WEB_PORT")),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_worker_without_what_it_needs_around_it_refuses_to_start_and_says_why(
    refused: dict[str, WorkerProcess], case: str
) -> None:
    code, said = REFUSALS[case]
    worker = refused[case]

    assert worker.exit_code() == code, worker.tail()
    require_plain(worker.log, said)


def test_a_worker_scores_without_redis_and_with_a_key_that_is_refused_and_says_so_once(
    broker: str, refusing: OpenAIThread, tmp_path: Path
) -> None:
    (nobody,) = free_ports(1)
    keys = {"OPENAI_API_KEY": "sk-hush", "OPENAI_BASE_URL": refusing.url}
    away = {"redis_url": f"redis://:hush@127.0.0.1:{nobody}/0", "seed_limits": "true", "calls_per_minute": 6_000}
    with deployed(broker, tmp_path, model="none", reasoning="openai", **away) as deployment:
        worker = deployment.start(keys)
        worker.await_ready()
        deployment.send(many_of("ada", 12))
        until(lambda: bool(deployment.updates()), "an update")
        until(lambda: worker.get("/health").json["problems"].keys() >= {"reasoning", "redis"}, "both in health")

        page = worker.get("/health")
        assert (page.status, page.json["status"]) == (200, "degraded")
        assert "401 (invalid_api_key)" in page.json["problems"]["reasoning"]
        assert "127.0.0.1" in page.json["problems"]["redis"]
        assert worker.log.count("401 (invalid_api_key)") == 1
        assert worker.log.count("Redis is away") == 1
        assert "hush" not in worker.log


def test_a_provider_that_never_answers_delays_no_score(broker: str, tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    keys = {"OPENAI_API_KEY": "sk-hush", "OPENAI_BASE_URL": f"http://127.0.0.1:{nobody}/v1"}
    with deployed(broker, tmp_path, model="none", reasoning="openai", reasoning_required="true") as deployment:
        worker = deployment.start(keys)
        worker.await_ready()
        deployment.send(many_of("ada", 12))
        until(lambda: bool(deployment.updates()), "an update")
        until(lambda: "cannot be reached" in str(worker.get("/health").json["problems"].get("reasoning")), "the reason")
        assert worker.log.count("cannot be reached") == 1

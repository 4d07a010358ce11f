"""The doctor's verdict is what a worker does at its start: broken in many ways, on the embedded broker.

What needs a real Kafka or a real Redis is in tests/integration/test_doctor.py.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import pytest
from aiohttp import web

from agents.kafka.embedded import EmbeddedBroker
from agents.stores.folder import StoreFolder, folder_of
from tests.agents.deployment import Deployment
from tests.agents.openai_thread import OpenAIThread
from tests.agents.test_identity import commit
from tests.cli.conftest import Run, run

__all__ = ["run"]
FAR_BEYOND: Final = 1_000
NOWHERE: Final = "127.0.0.1:1"
_ENDING: Final = re.compile(r"^.*?(?:skillstream|Ended with exit code \d): ")
ELSEWHERE: Final = f"http://{NOWHERE}/v1"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with ExitStack() as stack:
        broker = stack.enter_context(EmbeddedBroker())
        made = Deployment(broker.bootstrap, tmp_path_factory.mktemp("doctor"))
        made.make_topics()
        yield made
        for worker in made.workers:
            worker.end()


@pytest.fixture
def configured(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Every command is told what the deployment's workers are."""
    for name, value in deployment.given().items():
        monkeypatch.setenv(f"SKILLSTREAM_{name.upper()}", str(value))
    return monkeypatch


@dataclass(frozen=True, slots=True)
class Asked:
    """What the doctor said, with --json."""

    code: object
    problems: dict[str, list[str]]
    text: str


def ask(run: Run, timeout_s: int = 60) -> Asked:
    ran = run("doctor", "--json", "--timeout", timeout_s)
    answer = orjson.loads(ran.out)
    problems: dict[str, list[str]] = {}
    for each in answer["findings"]:
        if each["status"] == "problem":
            problems.setdefault(each["check"], []).append(each["said"])
    assert answer["would_start"] == (ran.code == 0)
    return Asked(ran.code, problems, ran.out)


BROKEN: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "an unknown setting": ("settings", {"SKILLSTREAM_NONSENSE": "1"}),
    "a wrong setting": ("settings", {"SKILLSTREAM_PARTITIONS": "many"}),
    "a password without a user": ("settings", {"SKILLSTREAM_BROKER_SECURITY": "sasl_ssl"}),
    "no key": ("settings", {"SKILLSTREAM_REASONING": "openai", "OPENAI_API_KEY": " ", "OPENAI_BASE_URL": ELSEWHERE}),
    "money without Redis": ("settings", {"SKILLSTREAM_REASONING": "scripted", "SKILLSTREAM_USD_PER_DAY": "5"}),
    "no skills file": ("skills", {"SKILLSTREAM_SKILLS": "nowhere.toml"}),
    "no artifact": ("artifact", {"SKILLSTREAM_MODEL": "nowhere"}),
    "no mapping": ("mapping", {"SKILLSTREAM_MAPPING": "nowhere.toml"}),
    "pages open to all": ("pages", {"SKILLSTREAM_WEB_HOST": "0.0.0.0"}),
    "a store in a file": ("store", {"SKILLSTREAM_STORE": "rocksdb", "SKILLSTREAM_STORE_DIR": __file__}),
    "other partitions": ("topics", {"SKILLSTREAM_PARTITIONS": "6"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_worker_refuses_what_the_doctor_calls_a_problem(name: str, configured: pytest.MonkeyPatch, run: Run) -> None:
    check, settings = BROKEN[name]
    for variable, value in settings.items():
        configured.setenv(variable, value)

    asked, refused = ask(run), run("worker")

    assert (asked.code, list(asked.problems)) == (1, [check]), asked.problems
    assert refused.code in (2, 4)
    said = _ENDING.sub("", refused.err.splitlines()[-1])
    assert said in asked.problems[check] or check == "store"


def test_a_broker_that_is_unavailable_is_code_3(configured: pytest.MonkeyPatch, run: Run) -> None:
    configured.setenv("SKILLSTREAM_BROKER", NOWHERE)
    configured.setenv("SKILLSTREAM_START_TIMEOUT_S", "1")

    asked, refused = ask(run, timeout_s=25), run("worker")

    assert (asked.code, refused.code) == (3, 3)
    assert NOWHERE in asked.problems["broker"][0]


def test_what_another_worker_holds_is_a_problem(configured: pytest.MonkeyPatch, run: Run, tmp_path: Path) -> None:
    configured.setenv("SKILLSTREAM_STORE", "rocksdb")
    configured.setenv("SKILLSTREAM_STORE_DIR", str(tmp_path))
    configured.setenv("SKILLSTREAM_APP_ID", "held")
    assert ask(run).code == 0
    assert list(tmp_path.iterdir()) == []  # it has left nothing
    holder = StoreFolder(folder_of(str(tmp_path), "held", None))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        configured.setenv("SKILLSTREAM_WEB_PORT", str(taken.getsockname()[1]))
        asked = ask(run)
    holder.close()

    assert (asked.code, set(asked.problems)) == (1, {"store", "pages"})


def test_warnings_do_not_fail_and_no_secret_is_shown(configured: pytest.MonkeyPatch, run: Run) -> None:
    secrets = {
        "OPENAI_API_KEY": "sk-hidden-1",
        "SKILLSTREAM_WEB_TOKEN": "hidden-3-kV9xQ2mT7wLs4RbN8cZy",
        "OPENAI_BASE_URL": f"http://user:hidden-4@{NOWHERE}/v1",
        "SKILLSTREAM_REASONING": "openai",
    }
    for name, value in secrets.items():
        configured.setenv(name, value)
    asked = ask(run)
    configured.setenv("SKILLSTREAM_REDIS_URL", f"redis://user:hidden-5@{NOWHERE}/0")
    without_redis = ask(run)

    assert (asked.code, asked.problems) == (0, {})
    assert "a worker starts without explanations" in asked.text
    assert (without_redis.code, without_redis.problems) == (0, {})
    assert "spends its own share" in without_redis.text
    assert "hidden" not in asked.text + without_redis.text


@pytest.mark.parametrize("required", [False, True])
def test_a_refused_key_is_a_problem_where_explanations_are_required(
    configured: pytest.MonkeyPatch, run: Run, required: bool
) -> None:
    with OpenAIThread() as provider:
        provider.server.listing = lambda: web.json_response({"error": {"code": "invalid_api_key"}}, status=401)
        configured.setenv("OPENAI_API_KEY", "sk-hidden")
        configured.setenv("OPENAI_BASE_URL", provider.url)
        configured.setenv("SKILLSTREAM_REASONING", "openai")
        configured.setenv("SKILLSTREAM_REASONING_REQUIRED", str(required).lower())
        asked = ask(run)

    assert "401 (invalid_api_key)" in asked.text
    assert (asked.code, list(asked.problems)) == ((1, ["models"]) if required else (0, []))


def test_it_is_a_line_a_finding_when_piped(configured: pytest.MonkeyPatch, run: Run) -> None:
    ran = run("doctor", "--timeout", 60)

    lines = ran.out.splitlines()
    assert ran.code == 0
    assert {line.split(":")[0] for line in lines} <= {"ok", "warning"}
    assert "ok: table: 0 rows, which belong to" in ran.out


def test_a_worker_starts_where_there_is_no_problem(
    deployment: Deployment, configured: pytest.MonkeyPatch, run: Run
) -> None:
    worker = deployment.start()
    asked = ask(run)

    worker.await_ready()
    assert (asked.code, ask(run).code) == (0, 0)  # before it is ready, and beside it
    assert worker.terminate() == 0


def test_a_table_that_does_not_belong_to_its_input_is_a_problem(
    deployment: Deployment, configured: pytest.MonkeyPatch, run: Run
) -> None:
    unsound = Deployment(deployment.broker, deployment.folder, deployment.defaults, f"{deployment.name}-unsound")
    unsound.make_topics()
    commit(unsound, {1: FAR_BEYOND})
    configured.setenv("SKILLSTREAM_APP_ID", unsound.name)
    configured.setenv("SKILLSTREAM_TOPIC_PREFIX", f"{unsound.name}.")

    asked, refused = ask(run), unsound.start()

    assert (asked.code, list(asked.problems)) == (1, ["table"])
    assert refused.exit_code() == 4
    assert "skillstream adopt-topic" in asked.problems["table"][0]
    assert asked.problems["table"][0] in refused.log

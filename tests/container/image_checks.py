"""`make image-check`: the container's files judged by their own tools, the image built, and its containers run.

Not part of the default suite: it takes two minutes, and an engine. SKILLSTREAM_TEST_IMAGE_BASE=stand-in builds on
tests/container/stand_in.py instead of the pinned image.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from agents.kafka.embedded import EmbeddedBroker
from tests.agents.delivery_cluster import until
from tests.container.engine import Engine
from tests.container.files import ROOT, compose
from tests.container.stand_in import stand_in
from tests.container.tools import docker_compose, hadolint
from tests.servers.child import ServerMissing
from tests.servers.ports import free_ports

_IMAGE: Final = "localhost/skillstream-check/skillstream"
_BUILD_TIMEOUT_S: Final = 600.0
_SCORED: Final = re.compile(r"^sim-\d+(  \w+ [01]\.\d\d)+$", re.MULTILINE)

Start = Callable[..., str]


def test_hadolint_has_nothing_to_say() -> None:
    said = subprocess.run([hadolint(), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)

    assert (said.returncode, said.stdout) == (0, "")


@pytest.mark.parametrize(
    ("profiles", "services"),
    [
        ([], {"kafka", "valkey"}),
        (["worker"], {"kafka", "valkey", "worker"}),
        (["core"], {"kafka", "valkey", "worker"}),
        (["core", "monitoring"], {"kafka", "valkey", "worker", "prometheus", "grafana"}),
        (["demo"], {"kafka", "valkey", "demo-worker", "demo-class", "demo-updates"}),
    ],
)
def test_compose_itself_accepts_the_file(profiles: list[str], services: set[str], tmp_path: Path) -> None:
    assert set(_composed(tmp_path, profiles)["services"]) == services


def test_a_filled_in_example_reaches_the_worker_but_not_its_addresses(tmp_path: Path) -> None:
    filled = (ROOT / ".env.example").read_text("utf-8").replace("#SKILLSTREAM_", "SKILLSTREAM_")
    (tmp_path / ".env").write_text(filled.replace("OPENAI_API_KEY=", "OPENAI_API_KEY=sk-canary"), "utf-8")

    given = _composed(tmp_path, ["worker"])["services"]["worker"]["environment"]

    assert given["OPENAI_API_KEY"] == "sk-canary"
    assert given["SKILLSTREAM_CALLS_PER_MINUTE"] == "50"
    assert given["SKILLSTREAM_BROKER"] == "kafka:19092"


@pytest.fixture(scope="module")
def engine() -> Engine:
    try:
        return Engine.of_this_machine()
    except ServerMissing as missing:
        _skip(missing)


@pytest.fixture(scope="module")
def image(engine: Engine) -> Iterator[str]:
    arguments = []
    if os.environ.get("SKILLSTREAM_TEST_IMAGE_BASE") == "stand-in":
        try:
            arguments = [f"PYTHON_IMAGE={stand_in(engine)}"]
        except ServerMissing as missing:
            _skip(missing)
    engine.build(_IMAGE, arguments, _BUILD_TIMEOUT_S)
    yield _IMAGE
    engine.ask("rmi", "--force", _IMAGE)


@pytest.fixture
def start(engine: Engine, image: str) -> Iterator[Start]:
    started: list[str] = []

    def begin(*arguments: str, options: Sequence[str] = ()) -> str:
        started.append(engine.start(image, *arguments, options=options))
        return started[-1]

    yield begin
    for container in started:
        engine.ask("kill", container)
        engine.ask("rm", "--force", "--volumes", container)


def test_it_holds_what_skillstream_needs_and_no_tools(engine: Engine, image: str) -> None:
    names = "from importlib.metadata import distributions as d; print(*sorted(x.name for x in d(path=['%s'])))"
    where = engine.run(image, "-c", "import agents; print(agents.__path__[0])", options=["--entrypoint=python3"])
    folder = str(Path(where.stdout.strip()).parent)
    held = engine.run(image, "-c", names % folder, options=["--entrypoint=python3"]).stdout.split()

    assert folder.startswith("/opt/skillstream/")
    assert {"skillstream", "faust-streaming", "scikit-learn", "rocksdict"} < set(held)
    assert not {"pip", "pytest", "mypy", "ruff", "setuptools", "hypothesis"} & set(held)


def test_it_is_nobody_and_can_write_to_its_volume_and_tmp_alone(engine: Engine, image: str) -> None:
    look = "id -u; find / -xdev -writable -type d 2>/dev/null | sort; echo x > /opt/skillstream/x"

    looked = engine.run(image, "-c", look, options=["--entrypoint=sh"])

    assert looked.stdout.split() == ["10001", "/tmp", "/var/lib/skillstream"]
    assert "Read-only file system" in looked.stderr


def test_the_demo_runs_without_a_network_and_agrees_with_the_replay(engine: Engine, image: str) -> None:
    shown = engine.run(image, "demo", "--students", "10", "--events", "300", "--json")

    assert shown.returncode == 0, shown.stderr[-2000:]
    assert json.loads(shown.stdout.splitlines()[-1])["state_matches_replay"] is True


def test_a_worker_without_a_key_says_what_to_do(engine: Engine, image: str) -> None:
    refused = engine.run(image)

    assert refused.returncode == 2
    assert "OPENAI_API_KEY is missing or empty" in refused.stderr


def test_the_demo_of_compose_scores_its_class_and_drains_when_it_is_stopped(engine: Engine, start: Start) -> None:
    services = compose()["services"]
    (port,) = free_ports(1)
    with EmbeddedBroker() as broker:
        given = services["demo-worker"]["environment"] | {"SKILLSTREAM_BROKER": broker.bootstrap}
        here = {"SKILLSTREAM_REDIS_URL": "", "SKILLSTREAM_WEB_PORT": port, "SKILLSTREAM_STORE": "rocksdb"}
        environment = [f"--env={name}={value}" for name, value in (given | here).items()]
        worker = start(options=environment)
        assert not _healthy(engine, worker, "SKILLSTREAM_WEB_PORT=1"), "the health check finds a page where none is"
        until(lambda: _healthy(engine, worker), "the worker is healthy")

        start(*_at(broker, services["demo-class"]["command"]), options=environment)
        name, *first = services["demo-updates"]["entrypoint"]
        program = _at(broker, services["demo-updates"]["command"])
        watcher = start(*first, *program, options=[*environment, f"--entrypoint={name}"])
        until(lambda: _SCORED.search(engine.tell("logs", watcher)) is not None, "updates are printed")

        engine.tell("stop", "--time", services["demo-worker"]["stop_grace_period"].removesuffix("s"), worker)
        ended = engine.tell("inspect", "--format", "{{.State.ExitCode}}", worker)
        assert ended == "0", engine.ask("logs", worker).stderr[-2000:]


def _at(broker: EmbeddedBroker, words: Sequence[str]) -> list[str]:
    return [word.replace("kafka:19092", broker.bootstrap) for word in words]


def _healthy(engine: Engine, container: str, *environment: str) -> bool:
    configured = json.loads(engine.tell("image", "inspect", _IMAGE))[0]
    kind, *test = (configured["Config"].get("Healthcheck") or configured["Healthcheck"])["Test"]
    assert kind == "CMD"
    options = [f"--env={pair}" for pair in environment]
    return engine.ask("exec", *options, container, *test).returncode == 0


def _composed(folder: Path, profiles: Sequence[str]) -> dict[str, Any]:
    shutil.copy(ROOT / "docker-compose.yml", folder)
    try:
        command = docker_compose()
    except ServerMissing as missing:
        _skip(missing)
    chosen = [f"--profile={profile}" for profile in profiles]
    said = subprocess.run(
        [*command, *chosen, "config", "--format", "json"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stderr) == (0, "")
    document: dict[str, Any] = json.loads(said.stdout)
    return document


def _skip(missing: ServerMissing) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(str(missing), pytrace=False)
    pytest.skip(str(missing))

"""A canary in every setting that holds a secret, and no output that shows one."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from agents.config.settings import Settings, load_settings
from agents.display.redaction import redact
from tests.agents.delivery_cluster import until
from tests.agents.deployment import deployed
from tests.agents.openai_thread import OpenAIThread
from tests.agents.otlp_receiver import OtlpReceiver
from tests.agents.single_students import many_of
from tests.agents.worker_process import WorkerProcess
from tests.cli.conftest import Run, run
from tests.servers.ports import free_ports

__all__ = ["run"]
CANARY: Final = "c4nary"
SECRETS: Final = {
    "OPENAI_API_KEY": f"sk-{CANARY}-of-the-provider",
    "SKILLSTREAM_HEADER_KEY": f"{CANARY}-of-our-own-headers-000000",
    "SKILLSTREAM_RECEIPT_KEY": f"{CANARY}-of-receipts-of-erasures",
    "SKILLSTREAM_WEB_TOKEN": f"{CANARY}-of-the-web-pages",
    "SKILLSTREAM_READER_TOKEN": f"{CANARY}-of-students-pages",
    "SKILLSTREAM_INFERENCE_TOKEN": f"{CANARY}-of-scoring-on-demand",
    "SKILLSTREAM_PROXY_SECRET": f"{CANARY}-of-the-proxy-in-front",
    "SKILLSTREAM_BROKER_PASSWORD": f"{CANARY}-of-the-broker",
    "SKILLSTREAM_REDIS_URL": f"redis://user:{CANARY}%2Fredis@127.0.0.1:1/0",
    "OPENAI_BASE_URL": f"http://user:{CANARY}-base@127.0.0.1:1/v1?api_key={CANARY}-query",
}
PROXIED: Final[dict[str, Any]] = {"proxy_roles": "X-Groups: teachers=reader", "proxy_addresses": "127.0.0.1"}
PASSWORDS: Final = [CANARY, f"{CANARY}/x", f"{CANARY}#x", f"{CANARY}?x", f"x@{CANARY}", f"%{CANARY}", f"{CANARY}:x"]
BROKEN: Final = [
    ("SKILLSTREAM_REDIS_URL", "redis://user:{}@:6379/0"),
    ("SKILLSTREAM_REDIS_URL", "redis://user:{}@host:port/0"),
    ("SKILLSTREAM_REDIS_URL", "redis://user:{}@host:6379/zero"),
    ("SKILLSTREAM_REDIS_URL", "user:{}@host:6379/0"),
    ("SKILLSTREAM_REDIS_URL", ":{}@host"),
    ("SKILLSTREAM_REDIS_URL", "http://user:{}@host"),
    ("OPENAI_BASE_URL", "user:{}@host/v1"),
    ("OPENAI_BASE_URL", "ftp://user:{}@host/v1"),
    ("OPENAI_BASE_URL", "https://user:{}@/v1"),
    ("OPENAI_BASE_URL", "https://user:{}@ho st/v1"),
    ("SKILLSTREAM_ADVERTISED_URL", "http://user:{}@host:6066"),
    ("SKILLSTREAM_BROKER", "user:{}@host:9092"),
    ("SKILLSTREAM_BROKER", "kafka://user:{}@host:9092"),
    ("SKILLSTREAM_BROKER", "host:9092,user:{}@[::1]:9092"),
    ("OPENAI_API_KEY", "sk-{}-\u2011copied-from-a-document"),
    ("SKILLSTREAM_WEB_TOKEN", "{}"),
    ("SKILLSTREAM_PARTITIONS", "redis://user:{}-and-so-on-for-more-than-sixty-characters-of-it@host"),
    ("SKILLSTREAM_APP_ID", "user:{}@host"),
    ("SKILLSTREAM_MODEL", "s3://user:{}@bucket"),
    ("SKILLSTREAM_SKILLS", "https://user:{}@host/skills.toml"),
    ("SKILLSTREAM_MAPPING", "https://user:{}@host/mapping.toml"),
    ("SKILLSTREAM_CONFIG", "https://user:{}@host/skillstream.toml"),
    ("SKILLSTREAM_STORE", "redis://user:{}@host"),
]


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    yield
    redact.know([])


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize(("name", "value"), BROKEN, ids=lambda part: part.replace("{}", "PW"))
def test_a_setting_that_is_refused_is_not_quoted_with_its_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, password: str
) -> None:
    monkeypatch.setenv(name, value.replace("{}", password))
    monkeypatch.setenv("SKILLSTREAM_BROKER" if name != "SKILLSTREAM_BROKER" else "SKILLSTREAM_EPOCH", "1")
    monkeypatch.setenv("SKILLSTREAM_REASONING", "off")
    monkeypatch.setenv("SKILLSTREAM_START_TIMEOUT_S", "0.01")

    ran = run("worker")

    assert ran.code == 2, ran.err
    assert CANARY not in ran.out + ran.err


def test_every_secret_of_the_settings_has_a_canary_here() -> None:
    endings = ("secret", "secrets", "password", "token", "_key", "_keys", "_url")
    # Files; an address that may hold none; what kind of keys dead letters have.
    none = {"broker_key", "web_key", "gateway_private_key", "advertised_url", "dead_letter_keys"}
    named = {name for name in Settings.__struct_fields__ if name.endswith(endings)} - none

    covered = {name.removeprefix("SKILLSTREAM_").lower() for name in SECRETS}
    assert named <= covered


def test_settings_show_no_secret() -> None:
    environment = SECRETS | {"SKILLSTREAM_BROKER_SECURITY": "sasl_plaintext", "SKILLSTREAM_BROKER_USER": "me"}
    settings = load_settings(environment)

    for shown in (repr(settings), str(settings), f"{settings!r:>10}", repr(settings.broker)):
        assert CANARY not in shown


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with OpenAIThread() as provider:
        base = provider.url.replace("http://", f"http://user:{CANARY}-base@")
        yield {**SECRETS, "OPENAI_BASE_URL": base}


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_worker_shows_no_secret_at_debug(broker: str, tmp_path: Path, environment: dict[str, str], form: str) -> None:
    with deployed(broker, tmp_path, model="none", reasoning="openai", log_level="debug", log_format=form) as deployment:
        without = {name: value for name, value in environment.items() if name not in ("SKILLSTREAM_REDIS_URL",)}
        del without["SKILLSTREAM_BROKER_PASSWORD"]  # the embedded broker asks for none
        worker = deployment.start(without, log_lines_per_s=1_000, **PROXIED)
        pages = [
            open_page(worker, path) for path in ("/health", "/health/detailed", "/metrics", "/", "/live", "/ready")
        ]
        pages.append(command_line(worker))
        assert worker.terminate() == 0, worker.tail()

    for shown in (*pages, worker.log):
        assert CANARY not in shown
    assert len(worker.log) > 100


def test_a_worker_shows_no_secret_that_is_kept_in_a_file_and_rotated(
    broker: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    filed = {name: tmp_path / name for name in environment if name != "SKILLSTREAM_BROKER_PASSWORD"}
    for name, path in filed.items():
        path.write_text(f"{environment[name]}\n")
    settings = {"model": "none", "reasoning": "openai", "log_level": "debug", "log_format": "json", "traces_ratio": 1}
    with OtlpReceiver() as receiver, deployed(broker, tmp_path, **settings, traces=receiver.url) as deployment:
        given = {f"{name}_FILE": str(path) for name, path in filed.items()}
        worker = deployment.start(given, log_lines_per_s=1_000, secrets_poll_s=0.1, **PROXIED)
        worker.await_ready()
        filed["OPENAI_API_KEY"].write_text(f"sk-{CANARY}-of-tomorrow")
        filed["SKILLSTREAM_READER_TOKEN"].write_text(f"{CANARY}-too\ttwo")
        until(lambda: "OPENAI_API_KEY_FILE was rotated" in worker.log, "the key is rotated")
        until(lambda: "what was read before stays in use" in worker.log, "the token is refused")
        deployment.send(many_of("s", 20))
        deployment.await_caught_up()
        pages = [open_page(worker, path) for path in ("/health/detailed", "/metrics", "/worker/figures", "/")]
        pages += [command_line(worker), Path(f"/proc/{worker.process.pid}/environ").read_text()]
        assert worker.terminate() == 0, worker.tail()
        assert receiver.spans

    for shown in (*pages, worker.log, b"".join(receiver.bodies).decode("utf-8", "replace")):
        assert CANARY not in shown


def test_a_worker_that_cannot_start_shows_no_secret(broker: str, tmp_path: Path, environment: dict[str, str]) -> None:
    (nobody,) = free_ports(1)
    settings = {
        "broker": f"127.0.0.1:{nobody}",
        "start_timeout_s": 1,
        "web_port": 0,
        "log_level": "debug",
        "model": "none",
    }
    settings |= {"broker_security": "sasl_plaintext", "broker_user": "me", "log_format": "json", **PROXIED}
    worker = WorkerProcess(settings, tmp_path / "log", environment)
    try:
        assert worker.exit_code() == 3, worker.tail()
    finally:
        worker.end()

    assert CANARY not in worker.log


@pytest.mark.parametrize("arguments", [["--help"], ["worker", "--help"], ["doctor", "--timeout", "3"], ["verify"]])
def test_a_command_shows_no_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], arguments: list[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SKILLSTREAM_BROKER", "127.0.0.1:1")
    monkeypatch.setenv("SKILLSTREAM_BROKER_SECURITY", "sasl_plaintext")
    monkeypatch.setenv("SKILLSTREAM_BROKER_USER", "me")
    monkeypatch.setenv("SKILLSTREAM_START_TIMEOUT_S", "1")

    ran = run(*arguments)

    assert CANARY not in ran.out + ran.err


def test_a_crash_shows_no_secret(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRETS["OPENAI_API_KEY"])
    load_settings({"OPENAI_API_KEY": SECRETS["OPENAI_API_KEY"]})
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    run("--version")
    error = RuntimeError(f"{SECRETS['OPENAI_API_KEY']} at redis://u:{CANARY}@h")
    sys.excepthook(RuntimeError, error, None)

    err = capsys.readouterr().err
    assert "RuntimeError" in err
    assert CANARY not in err


def command_line(worker: WorkerProcess) -> str:
    return Path(f"/proc/{worker.process.pid}/cmdline").read_text()


def open_page(worker: WorkerProcess, path: str) -> str:
    from urllib.request import Request, urlopen

    request = Request(worker.url + path, headers={"Authorization": f"Bearer {SECRETS['SKILLSTREAM_WEB_TOKEN']}"})
    try:
        with urlopen(request, timeout=20) as answer:
            return str(answer.read())
    except OSError as error:  # 503 while it starts is an answer too
        return str(error)

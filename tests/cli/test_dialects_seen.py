"""`skillstream dialects --seen`, asking a worker's pages."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import orjson
import pytest

from tests.cli.conftest import Run

TOKEN = "a-token-of-the-tests"
NAMES = [
    {"dialect": "xapi", "name": "https://lms.example/verbs/peeked", "events": 7, "last_seen": "2026-01-05T09:00:00Z"},
    {"dialect": "cloudevents", "name": "\x1b[2Jforged\u202e[bold]", "events": 1, "last_seen": "2026-01-05T09:00:00Z"},
]


class Pages(BaseHTTPRequestHandler):
    """Answers as a worker does."""

    body: ClassVar[Any] = {"names": NAMES}

    def do_GET(self) -> None:
        good = self.headers["Authorization"] == f"Bearer {TOKEN}" and self.path == "/dialects/seen"
        body = orjson.dumps(self.body) if not isinstance(self.body, bytes) else self.body
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if good else b"")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("SKILLSTREAM_WEB_TOKEN", TOKEN)
    monkeypatch.setattr(Pages, "body", {"names": NAMES})
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("SKILLSTREAM_WEB_PORT", str(server.server_address[1]))
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_names_are_listed_with_what_acts_on_a_terminal_escaped(run: Run, worker: str) -> None:
    ran = run("dialects", "--seen")

    assert ran.code == 0
    assert "https://lms.example/verbs/peeked" in ran.out
    assert r"\x1b[2Jforged\u202e[bold]" in ran.out
    assert "\x1b" not in ran.out


def test_as_json_and_from_another_worker(run: Run, worker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSTREAM_WEB_PORT", "1")

    assert orjson.loads(run("dialects", "--seen", "--json", "--url", worker).out) == {"names": NAMES}


def test_all_addresses_are_asked_at_this_machine_s(run: Run, worker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSTREAM_WEB_HOST", "0.0.0.0")

    assert run("dialects", "--seen").code == 0


def test_none_is_said(run: Run, worker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pages, "body", {"names": []})

    assert "no event" in run("dialects", "--seen").out


def test_without_a_token_or_with_another_it_is_a_setting(
    run: Run, worker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKILLSTREAM_WEB_TOKEN", "another-token-of-them")
    assert (run("dialects", "--seen").code, "refuses" in run("dialects", "--seen").err) == (2, True)
    monkeypatch.delenv("SKILLSTREAM_WEB_TOKEN")
    assert (run("dialects", "--seen").code, "is not set" in run("dialects", "--seen").err) == (2, True)


@pytest.mark.parametrize("body", [b"no JSON", [], {"names": [1]}, {"other": 1}], ids=repr)
def test_who_is_no_worker_is_told(run: Run, worker: str, monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    monkeypatch.setattr(Pages, "body", body)

    assert run("dialects", "--seen").code == 3


def test_no_answer_is_out_of_reach(run: Run, worker: str) -> None:
    ran = run("dialects", "--seen", "--url", "http://127.0.0.1:1")

    assert ran.code == 3
    assert ran.err.startswith("skillstream: no worker's pages answer at http://127.0.0.1:1: ")


@pytest.mark.parametrize(
    "arguments",
    [["--seen", "--url", "nonsense"], ["--seen", "--check", "x"], ["--json"], ["--url", "http://h"], ["--config", "x"]],
)
def test_wrong_usage(run: Run, worker: str, arguments: list[str]) -> None:
    assert run("dialects", *arguments).code == 2

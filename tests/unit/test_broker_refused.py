"""A broker whose certificate is not trusted, or has expired: a start that fails says so, not that nobody answers."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agents.config.pages_tls import server_context
from agents.config.settings import load_settings
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.topics import TopicSpec, ensure_topics
from agents.operations.doctor.kafka import BrokerAnswers
from tests.agents.delivery_cluster import until
from tests.servers.certificates import Authority, Issued
from tests.servers.fixtures import authority

__all__ = ["authority"]
Listening = Callable[[Issued], str]


@pytest.fixture
def listening() -> Iterator[Listening]:
    """Listens over TLS with a certificate, at the address that is returned, and says nothing to who gets through."""
    opened: list[socket.socket] = []

    def listen(issued: Issued) -> str:
        context = server_context(str(issued.certificate), str(issued.key))
        assert context is not None
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)
        threading.Thread(target=_serve, args=(listener, context), daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield listen
    for listener in opened:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with suppress(OSError), client, context.wrap_socket(client, server_side=True) as encrypted:
                encrypted.recv(1)


@pytest.mark.parametrize("what", ["another CA", "expired"])
def test_a_start_says_why_a_broker_is_not_trusted(
    authority: Authority, listening: Listening, tmp_path: Path, what: str
) -> None:
    trusted, days = (authority, -1) if what == "expired" else (Authority(tmp_path / "other", "other"), 2)
    around = {"SKILLSTREAM_BROKER_SECURITY": "ssl", "SKILLSTREAM_BROKER_CA": str(trusted.ca)}
    address = listening(authority.issue("broker", days=days))
    settings = load_settings({"SKILLSTREAM_BROKER": address, **around})

    def starts() -> None:
        ensure_topics(settings.broker, [TopicSpec("t", 1)], 1.0)

    def asks() -> None:
        list(BrokerAnswers(settings, 1.0).run())

    await_said(starts)
    await_said(asks)


def await_said(asked: Callable[[], None]) -> None:
    until(lambda: "certificate" in refusal_of(asked), "the refusal names the certificate")


def refusal_of(asked: Callable[[], None]) -> str:
    with pytest.raises(BrokerUnavailable) as error:
        asked()
    return str(error.value).partition(": ")[2]

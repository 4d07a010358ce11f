"""A broker whose certificate is not trusted, or has expired: a start that fails says so, not that nobody answers."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from agents.config.pages_tls import server_context
from agents.config.settings import load_settings
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.topics import TopicSpec, ensure_topics
from agents.operations.doctor.kafka import BrokerAnswers
from tests.servers.certificates import Authority, Issued
from tests.servers.fixtures import authority

__all__ = ["authority"]
UNTRUSTED: Final = "its certificate is not trusted"
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


@pytest.mark.parametrize(
    ("what", "said"),
    {
        "another CA": f"{UNTRUSTED} (unable to get local issuer certificate): see SKILLSTREAM_BROKER_CA",
        "expired": f"{UNTRUSTED} (certificate has expired): have the broker's renewed",
        "no TLS": "it speaks TLS: set SKILLSTREAM_BROKER_SECURITY to sasl_ssl or ssl",
    }.items(),
)
def test_a_start_says_why_a_broker_is_not_trusted(
    authority: Authority, listening: Listening, tmp_path: Path, what: str, said: str
) -> None:
    address = listening(authority.issue("broker", days=-1 if what == "expired" else 2))
    trusted = authority if what == "expired" else Authority(tmp_path / "other", "other")
    around = {"SKILLSTREAM_BROKER_SECURITY": "ssl", "SKILLSTREAM_BROKER_CA": str(trusted.ca)}
    settings = load_settings({"SKILLSTREAM_BROKER": address, **({} if what == "no TLS" else around)})

    for ask in (
        lambda: ensure_topics(settings.broker, [TopicSpec("t", 1)], 1.0),
        lambda: list(BrokerAnswers(settings, 1.0).run()),
    ):
        with pytest.raises(BrokerUnavailable) as error:
            ask()
        assert str(error.value) == f"no Kafka broker can be used at {address} (waited 1 s): {said}"

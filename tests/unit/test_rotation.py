"""Secrets that are rotated while the program runs: the next call, the next connection uses the new one."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka.client import AIOKafkaClient
from redis.exceptions import AuthenticationError

from agents.config.settings import Settings, load_settings
from agents.delivery.aiokafka.rotation import follow_access
from agents.display.redaction import MAX_LEARNT, Redaction, redact
from agents.kafka.clients import open_admin, open_producer, open_reader
from agents.kafka.connection import access_of, aiokafka_config, client_config
from agents.kafka.rotation import watched_certificates
from agents.reasoning.setup import connected, make_openai_model
from agents.secrets.references import VAULT, SecretStores
from agents.worker.rotation import secret_rotation
from tests.servers.certificates import Authority
from tests.servers.fixtures import authority
from tests.servers.openai import LoopbackOpenAI
from tests.servers.redis import RealRedis
from tests.servers.vault import TOKEN, StandInVault

__all__ = ["authority"]
OLD: Final = "sk-0ld-one-of-the-test"
NEW: Final = "sk-n3w-one-of-the-test"
ALL: Final[dict[str, Any]] = {"enabled": True, "reset": True, "keys": ["*"], "categories": ["+@all"]}


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    yield
    redact.know([])


class Filed:
    """Settings whose secret is in a file, and the rotation that looks at it."""

    def __init__(self, path: Path, variable: str, secret: str, **around: str) -> None:
        self._path = path
        path.write_text(f"{secret}\n")
        self.settings: Settings = load_settings({variable: str(path), **around})
        self._rotation = secret_rotation(self.settings)

    def rotate(self, secret: str) -> frozenset[str]:
        """Another one is in the file, and is looked at."""
        self._path.write_text(f"{secret}\n")
        return self.look()

    def look(self) -> frozenset[str]:
        return self._rotation.look()


async def test_the_next_call_of_openai_has_the_rotated_key(tmp_path: Path) -> None:
    async with LoopbackOpenAI() as provider:
        filed = Filed(tmp_path / "key", "OPENAI_API_KEY_FILE", OLD, OPENAI_BASE_URL=provider.url)
        model = make_openai_model(filed.settings)
        await model.listing()

        assert filed.rotate(NEW) == {"openai_api_key"}
        await model.listing()
        await model.aclose()

        sent = [{name.lower(): value for name, value in each.headers.items()} for each in provider.exchanges]
        assert [each["authorization"] for each in sent] == [f"Bearer {OLD}", f"Bearer {NEW}"]


async def test_the_next_connection_to_redis_logs_in_with_what_was_rotated(tmp_path: Path) -> None:
    with RealRedis() as server:
        admin = connected(server.url, timeout_s=60)
        await admin.acl_setuser("worker", passwords=[f"+{OLD}"], **ALL)
        address = server.url.replace("redis://", "redis://worker:{}@")
        filed = Filed(tmp_path / "url", "SKILLSTREAM_REDIS_URL_FILE", address.format(OLD))
        assert filed.settings.redis_url is not None
        client = connected(filed.settings.redis_url, timeout_s=60)
        assert await client.acl_whoami() == "worker"

        await admin.acl_setuser("worker", passwords=[f"+{NEW}"], **ALL)
        await client.connection_pool.disconnect()
        with pytest.raises(AuthenticationError):
            await client.ping()
        assert filed.rotate(address.format(NEW)) == {"redis_url"}

        assert await client.acl_whoami() == "worker"
        await client.aclose()
        await admin.aclose()


async def test_the_next_connections_to_kafka_log_in_with_what_was_rotated(tmp_path: Path) -> None:
    around = {"SKILLSTREAM_BROKER_SECURITY": "sasl_plaintext", "SKILLSTREAM_BROKER_USER": "worker"}
    filed = Filed(
        tmp_path / "password", "SKILLSTREAM_BROKER_PASSWORD_FILE", OLD, SKILLSTREAM_BROKER="127.0.0.1:1", **around
    )
    broker = filed.settings.broker
    client = AIOKafkaClient(**aiokafka_config(broker))
    follow_access(broker, client)
    opened = [open_admin(broker), open_producer(broker)]  # which cannot be asked for what they have
    open_reader(broker, "group").close()

    assert filed.rotate(NEW) == {"broker_password"}

    assert opened
    assert client._sasl_plain_password == NEW  # noqa: SLF001
    assert aiokafka_config(broker)["sasl_plain_password"] == client_config(broker)["sasl.password"] == NEW


async def test_the_next_connections_to_kafka_have_the_rotated_certificate(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ca, own, key = (tmp_path / name for name in ("ca.pem", "own.pem", "own.key"))
    for there, file in zip(_files(authority), (ca, own, key), strict=True):
        shutil.copy(there, file)
    names = ("SKILLSTREAM_BROKER_CA", "SKILLSTREAM_BROKER_CERTIFICATE", "SKILLSTREAM_BROKER_KEY")
    around = dict(zip(names, map(str, (ca, own, key)), strict=True))
    broker = load_settings({"SKILLSTREAM_BROKER": "127.0.0.1:1", "SKILLSTREAM_BROKER_SECURITY": "ssl", **around}).broker
    client = AIOKafkaClient(**aiokafka_config(broker))
    follow_access(broker, client)
    rotated: list[str] = []
    files = watched_certificates(broker, lambda: rotated.append("told"))
    before = client._ssl_context  # noqa: SLF001

    following = _files(Authority(tmp_path / "next", "next"))
    shutil.copy(following[1], own)
    assert [files.look(), files.look()] == [False, False]
    assert client._ssl_context is before  # noqa: SLF001
    for there, file in zip(following, (ca, own, key), strict=True):
        shutil.copy(there, file)
    assert [files.look(), files.look()] == [True, False]

    context = client._ssl_context  # noqa: SLF001
    assert context is not None
    assert [dict(part[0] for part in each["subject"]) for each in context.get_ca_certs()] == [{"commonName": "next"}]
    assert rotated == ["told"]
    refused, used = caplog.messages
    assert refused.startswith("SKILLSTREAM_BROKER_CA, _BROKER_CERTIFICATE or _BROKER_KEY cannot be used: ")
    assert used == (
        "The certificates for Kafka were rotated: aiokafka's clients use them from the next connection on, "
        "librdkafka's when they are opened anew"
    )


def _files(authority: Authority) -> tuple[Path, Path, Path]:
    issued = authority.issue("worker")
    return authority.ca, issued.certificate, issued.key


def test_what_is_rotated_is_hidden_beside_what_was_before(tmp_path: Path) -> None:
    filed = Filed(tmp_path / "token", "SKILLSTREAM_BROKER_PASSWORD_FILE", "of-the-past-000", **_logging_in())
    filed.rotate("of-the-present-000")

    assert redact("of-the-past-000, then of-the-present-000") == "***, then ***"


def test_a_user_is_no_secret(tmp_path: Path) -> None:
    around = {"SKILLSTREAM_BROKER_SECURITY": "sasl_plaintext", "SKILLSTREAM_BROKER_PASSWORD": OLD}
    filed = Filed(tmp_path / "user", "SKILLSTREAM_BROKER_USER_FILE", "skillstream", **around)

    assert filed.rotate("skillstream-2") == {"broker_user"}
    assert redact("skillstream-2 of skillstream") == "skillstream-2 of skillstream"


def test_redaction_keeps_what_was_rotated_to_a_number_and_all_that_is_set() -> None:
    redaction = Redaction()
    redaction.know(["secret-of-the-settings"])
    redaction.learn([f"secret-number-{number:04}" for number in range(MAX_LEARNT)])
    redaction.learn(["secret-number-0000"])  # as it is read again
    redaction.learn(["secret-of-the-last-look"])

    shown = redaction("secret-of-the-settings secret-number-0000 secret-number-0001 secret-of-the-last-look")
    assert shown == "*** *** secret-number-0001 ***"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"\xff", "is not a text"), ("sk-\u2011x".encode(), "is U+2011"), (None, "cannot be read")],
)
def test_what_cannot_be_used_leaves_what_was_before_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None, said: str
) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "key"
    filed = Filed(path, "OPENAI_API_KEY_FILE", OLD)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)

    assert [filed.look(), filed.look()] == [frozenset()] * 2
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("OPENAI_API_KEY_FILE")
    assert said in line
    assert line.endswith("what was read before stays in use")

    assert filed.rotate(NEW) == {"openai_api_key"}
    assert [record.getMessage() for record in caplog.records[1:]] == [
        "OPENAI_API_KEY_FILE can be read again",
        "OPENAI_API_KEY_FILE was rotated: it is used from the next call or connection on",
    ]
    assert not any(NEW in record.getMessage() or OLD in record.getMessage() for record in caplog.records)


def test_a_token_of_the_pages_counts_from_the_next_start_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    filed = Filed(tmp_path / "token", "SKILLSTREAM_WEB_TOKEN_FILE", "of-the-past-00000000")

    filed.rotate("of-the-present-00000")

    assert "it is used from the next start on" in caplog.text


def test_fields_of_one_secret_of_vault_come_from_one_answer_and_a_role_logs_in_again() -> None:
    now_s = 0.0
    with StandInVault() as vault:
        vault.secrets["kafka"] = {"user": "u1", "password": "p1"}
        around = {"VAULT_ADDR": vault.url, "VAULT_ROLE_ID": "stand-in-role-id", "VAULT_SECRET_ID": "stand-in-secret-id"}
        stores = SecretStores(around, lambda: now_s)
        user, password = (stores.location("X", f"vault:secret/kafka#{field}") for field in ("user", "password"))
        assert (user.read(), password.read()) == ("u1", "p1")
        assert len(vault.asked) == 2  # the role's log-in, and the secret

        vault.secrets["kafka"] = {"user": "u2", "password": "p2"}
        vault.tokens.clear()
        now_s = 2.0

        assert (user.read(), password.read()) == ("u2", "p2")
        assert vault.log_ins == 2
        assert stores.document(VAULT, "secret/kafka") == {"user": "u2", "password": "p2"}


def test_a_secret_of_vault_that_is_away_stays_what_it_was(caplog: pytest.LogCaptureFixture) -> None:
    with StandInVault() as vault:
        vault.secrets["kafka"] = {"password": OLD}
        around = {"VAULT_ADDR": vault.url, "VAULT_TOKEN": TOKEN, **_logging_in()}
        settings = load_settings({"SKILLSTREAM_BROKER_PASSWORD": "vault:secret/kafka#password", **around})
        rotation = secret_rotation(settings)
        vault.broken = 503

    rotation.look()

    assert access_of(settings.broker).log_in == ("worker", OLD)


def _logging_in() -> dict[str, str]:
    return {"SKILLSTREAM_BROKER_SECURITY": "sasl_plaintext", "SKILLSTREAM_BROKER_USER": "worker"}

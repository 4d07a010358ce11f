"""A Redis that asks who one is, over TLS: who gets in, what is said to who does not, and what is rotated."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from redis.exceptions import RedisError

from agents.config.settings import load_settings
from agents.display.redaction import redact
from agents.operations.doctor.check import Finding
from agents.operations.doctor.services import BudgetCheck
from agents.reasoning.setup import connected
from agents.worker.rotation import secret_rotation
from tests.agents.delivery_cluster import until
from tests.servers.certificates import Authority
from tests.servers.secured_redis import PASSWORD, USER, SecuredRedis

# Of connections that are refused within TLS, redis-py leaves the transport to a loop that ends before it is closed.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
AROUND: Final = {"SKILLSTREAM_REASONING": "scripted", "SKILLSTREAM_CALLS_PER_MINUTE": "50"}


@pytest.fixture(autouse=True)
def admitted(secured_redis: SecuredRedis) -> Iterator[None]:
    secured_redis.admit(PASSWORD)
    yield
    secured_redis.show(secured_redis.shown)
    redact.know([])
    gc.collect()  # what is warned of, here and not in a later test


def findings(url: str) -> list[Finding]:
    """What the doctor says of it."""
    return list(BudgetCheck(load_settings({"SKILLSTREAM_REDIS_URL": url, **AROUND})).run())


def await_refusal(url: str, why: str = "") -> None:
    """Return when the doctor finds no Redis there and says why; it waits half a second, as a worker does, which
    starts all the same.
    """

    def is_said() -> bool:
        [finding] = findings(url)
        assert finding.status == "warning"
        assert "a worker starts, and spends its own share of calls" in finding.said
        assert PASSWORD not in finding.said
        return why in finding.said

    until(is_said, f"it says: {why}")


def test_who_has_certificate_user_and_password_gets_in(secured_redis: SecuredRedis) -> None:
    until(lambda: "no Redis answers" not in findings(secured_redis.address())[0].said, "the doctor gets in")
    said = " ".join(finding.said for finding in findings(secured_redis.address()))
    assert "may not be run" not in said
    assert "INFO is not allowed" not in said


def test_who_has_not_is_told_why(secured_redis: SecuredRedis, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")

    await_refusal(secured_redis.address(ca=other.ca), "certificate verify failed")
    await_refusal(secured_redis.address(user="nobody"), "invalid username-password pair")
    await_refusal(secured_redis.address(password="guessed"), "invalid username-password pair")
    for own in (other.issue("other-client"), secured_redis.authority.issue("late", days=-1)):
        await_refusal(secured_redis.address(certificate=own))
    await_refusal(secured_redis.address().replace("rediss://", "redis://").partition("?")[0])
    secured_redis.show(secured_redis.authority.issue("expired", days=-1))
    await_refusal(secured_redis.address(), "certificate has expired")


async def test_the_password_is_rotated_under_a_client_that_goes_on(secured_redis: SecuredRedis, tmp_path: Path) -> None:
    file = tmp_path / "redis-url"
    file.write_text(secured_redis.address())
    settings = load_settings({"SKILLSTREAM_REDIS_URL_FILE": str(file), **AROUND})
    assert settings.redis_url is not None
    client = connected(settings.redis_url, timeout_s=60)
    assert await client.acl_whoami() == USER

    secured_redis.admit("another password")
    with pytest.raises(RedisError):  # the connection is cut; the next one is refused
        await client.ping()
    with pytest.raises(RedisError):
        await client.ping()
    file.write_text(secured_redis.address(password="another password"))
    secret_rotation(settings).look()

    assert await client.acl_whoami() == USER
    await client.aclose()


async def test_a_certificate_is_rotated_under_a_client_that_goes_on(secured_redis: SecuredRedis) -> None:
    client = connected(secured_redis.address(), timeout_s=60)
    assert await client.ping()

    secured_redis.show(secured_redis.authority.issue("next"))
    await client.connection_pool.disconnect()

    assert await client.ping()
    await client.aclose()

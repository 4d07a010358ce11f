"""The servers as pytest fixtures; a folder's conftest imports those that its tests use.

A test that asks for one carries the marker `kafka` or `redis` by itself (`mark_by_fixture`), so that plain
`pytest` leaves it out and `make integration` runs it. Without Java or a Redis such a test is skipped and
says why; where CI or SKILLSTREAM_REQUIRE_SERVERS is set, it fails.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.servers.certificates import Authority
from tests.servers.child import ServerMissing
from tests.servers.kafka import RealKafka
from tests.servers.missing import miss
from tests.servers.redis import RealRedis
from tests.servers.secured_kafka import SecuredKafka
from tests.servers.secured_redis import SecuredRedis

_MARKERS = {
    "kafka": "kafka",
    "own_kafka": "kafka",
    "secured_kafka": "kafka",
    "redis": "redis",
    "own_redis": "redis",
    "secured_redis": "redis",
}
Server = TypeVar("Server", bound=AbstractContextManager[object])


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Bootstrap address of a Kafka that all tests share: use topics and groups of your own."""
    named = os.environ.get("SKILLSTREAM_TEST_BROKER")
    if named:
        yield named
        return
    with _required(RealKafka) as broker:
        yield broker.bootstrap


@pytest.fixture(scope="session")
def redis() -> Iterator[str]:
    """URL of a Redis that all tests share: use keys of your own."""
    named = os.environ.get("SKILLSTREAM_TEST_REDIS_URL")
    if named:
        yield named
        return
    with _required(RealRedis) as server:
        yield server.url


@pytest.fixture
def own_kafka() -> Iterator[RealKafka]:
    """A Kafka of the test's own, to stop, kill and restart."""
    with _required(RealKafka) as broker:
        yield broker


@pytest.fixture(scope="session")
def secured_kafka() -> Iterator[SecuredKafka]:
    """A Kafka that lets in who logs in, to do what ACLs allow; all tests share it: use users of your own."""
    with _required(SecuredKafka) as broker:
        yield broker


@pytest.fixture
def own_redis() -> Iterator[RealRedis]:
    """A Redis of the test's own, to stop, kill and restart."""
    with _required(RealRedis) as server:
        yield server


@pytest.fixture(scope="module")
def secured_redis() -> Iterator[SecuredRedis]:
    """A Redis that lets in who logs in, over TLS with certificates on both sides."""
    with _required(SecuredRedis) as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Issues certificates."""
    try:
        return Authority(tmp_path / "certificates")
    except ServerMissing as missing:
        miss(str(missing))


def mark_by_fixture(items: Iterable[pytest.Item]) -> None:
    """Adds the markers of the servers that the collected tests ask for."""
    for item in items:
        for fixture in _MARKERS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(_MARKERS[fixture])


def _required(server: Callable[[], Server]) -> Server:
    try:
        return server()
    except ServerMissing as missing:
        miss(str(missing))

"""A Redis for the conformance suite: the one named in SKILLSTREAM_TEST_REDIS_URL, else one of our own."""

import os
from collections.abc import Iterator

import pytest

from tests.servers.redis import RealRedis


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis that others may share: use keys of your own."""
    named = os.environ.get("SKILLSTREAM_TEST_REDIS_URL")
    if named:
        yield named
        return
    with RealRedis() as server:
        yield server.url


@pytest.fixture
def mortal_redis() -> Iterator[RealRedis]:
    """A Redis of the test's own, to kill and restart; it keeps nothing over a restart."""
    with RealRedis() as server:
        yield server

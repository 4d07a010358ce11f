"""Tests against a real Kafka and a real Redis: see tests/servers/fixtures.py."""

from pathlib import Path

import pytest

from tests.servers.fixtures import kafka, mark_by_fixture, own_kafka, own_redis, redis, secured_kafka, secured_redis

__all__ = ["kafka", "own_kafka", "own_redis", "redis", "secured_kafka", "secured_redis"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests here before pytest's own hook deselects by marker; elsewhere a `kafka` may be the embedded one."""
    here = Path(__file__).parent
    mark_by_fixture(item for item in items if item.path.is_relative_to(here))

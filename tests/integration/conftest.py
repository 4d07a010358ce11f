"""Tests against a real Kafka and a real Redis: see tests/servers/fixtures.py."""

import pytest

from tests.servers.fixtures import kafka, mark_by_fixture, own_kafka, own_redis, redis, secured_kafka

__all__ = ["kafka", "own_kafka", "own_redis", "redis", "secured_kafka"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks before pytest's own hook deselects by marker."""
    mark_by_fixture(items)

"""The embedded broker, one for each module of tests."""

from collections.abc import Iterator

import pytest

from agents.kafka.embedded import EmbeddedBroker


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Its address."""
    with EmbeddedBroker() as running:
        yield running.bootstrap

"""One scene and one Chromium for all tests; skipped, with the reason, where there is no Chromium or no driver of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.agents.deployment import Deployment
from tests.browser.chromium import NoBrowser, chromium
from tests.browser.scene import running
from tests.servers.missing import miss


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Browser of Playwright's."""
    try:
        with chromium() as found:
            yield found
    except NoBrowser as reason:
        miss(str(reason))


@pytest.fixture(scope="session")
def scene(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Two workers, and events that go on."""
    with running(tmp_path_factory.mktemp("scene"), workers=2, rate=40.0) as deployment:
        yield deployment

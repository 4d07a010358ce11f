"""One scene and one Chromium for all tests; skipped, with the reason, where there is no Chromium or no driver of it."""

import os
import shutil
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.agents.deployment import Deployment
from tests.browser.scene import running

CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")
_REQUIRED: Final = "SKILLSTREAM_REQUIRE_SERVERS"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Browser of Playwright's."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _go_without("Playwright is not installed: make browser")
    if program is None:
        _go_without(f"no Chromium is installed: {', '.join(CHROMIUM)}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--headless"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def scene(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Two workers, and events that go on."""
    with running(tmp_path_factory.mktemp("scene"), workers=2, rate=40.0) as deployment:
        yield deployment


def _go_without(reason: str) -> None:
    if os.environ.get(_REQUIRED) == "1":
        pytest.fail(reason)
    pytest.skip(reason)

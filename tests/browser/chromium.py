"""The Chromium of this machine, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_ARGUMENTS: Final = ["--no-sandbox", "--headless", "--disable-dev-shm-usage"]
"""As root, and in containers, whose /dev/shm is small."""
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(Exception):
    """Why there is none."""


@contextmanager
def chromium() -> Iterator[Any]:
    """A Browser of Playwright's. Raises NoBrowser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NoBrowser("Playwright is not installed: make browser") from None
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise NoBrowser(f"no Chromium is installed: {', '.join(PROGRAMS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()

"""The dashboard as people see it: in Chromium, on two running workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment
from tests.browser.scene import READER_TOKEN

pytestmark = pytest.mark.browser
TIMEOUT_MS: Final = 90_000
WIDTHS: Final = (360, 1440)
SCHEMES: Final = ("light", "dark")
_SIGN_IN: Final = "status of 401"  # the page that asks for a token says so


@contextmanager
def opened(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """A page; fails where a script fails, or anybody but the worker is asked."""
    context = browser.new_context(**options)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    try:
        yield page
        assert [each for each in said if _SIGN_IN not in each] == []
        assert [each for each in asked if not each.startswith(url)] == []
    finally:
        context.close()


def violations(page: Any) -> list[str]:
    """What axe finds wrong by WCAG 2.2 AA and its best practices."""
    import axe_playwright_python

    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("() => axe.run(document)")["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def await_text(page: Any, selector: str, text: str) -> None:
    """Return when an element of the page has the text."""
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)", arg=[selector, text]
    )


def await_update(page: Any) -> None:
    """Return when the stream has brought another page."""
    former = page.locator("#as-of").inner_text()
    page.wait_for_function("then => document.getElementById('as-of').textContent !== then", arg=former)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_everybody_can_read_it(browser: Any, scene: Deployment, width: int, scheme: str) -> None:
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with opened(browser, scene.workers[0].url, **options) as page:
        page.locator("#live.on").wait_for()
        page.locator("#workers tbody tr").nth(1).wait_for()
        page.locator("#throughput svg.chart").wait_for()

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_readers_sign_in_and_read_a_student_s_page(browser: Any, scene: Deployment, width: int, scheme: str) -> None:
    until(lambda: bool(scene.updates()), "a student is known")
    student = scene.updates()[0].student_id
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with opened(browser, scene.workers[0].url, **options) as page:
        page.get_by_label("Student").fill(student)
        page.get_by_role("button", name="Show").click()
        page.get_by_label("Token").fill(READER_TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name=f"Student {student}").wait_for()

        assert page.locator("#counted tbody tr").count() > 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Token").wait_for()


def test_it_stays_up_to_date_and_shows_both_workers(browser: Any, scene: Deployment) -> None:
    with opened(browser, scene.workers[1].url) as page:
        page.locator("#live.on").wait_for()
        await_update(page)
        await_text(page, "#dead-letters", "not_json")
        page.locator("#partitions .pill").first.wait_for()
        page.wait_for_function(
            "() => [...document.querySelectorAll('#workers tbody td:nth-child(3)')].map(each => each.textContent)"
            ".filter(owned => owned !== 'none').length === 2"
        )


def test_a_chart_is_read_by_pointer_and_by_keyboard_and_the_reading_outlives_an_update(
    browser: Any, scene: Deployment
) -> None:
    with opened(browser, scene.workers[0].url) as page:
        page.locator("#throughput svg.chart").hover()
        await_text(page, "#throughput .readout", "records in")

        page.mouse.move(0, 0)
        page.locator("#throughput svg.chart").focus()
        page.keyboard.press("ArrowLeft")
        await_text(page, "#throughput .readout", "UTC: records in")
        await_update(page)
        await_text(page, "#throughput .readout", "UTC: records in")


def test_the_first_stop_of_the_keyboard_leads_to_the_figures(browser: Any, scene: Deployment) -> None:
    with opened(browser, scene.workers[0].url) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_without_scripts_it_is_whole(browser: Any, scene: Deployment) -> None:
    with opened(browser, scene.workers[0].url) as page:
        page.locator("#throughput svg.chart").wait_for()
    with opened(browser, scene.workers[0].url, java_script_enabled=False) as page:
        assert page.locator("#throughput svg.chart").count() == 1
        assert page.locator("#workers tbody tr").count() == 2
        assert page.get_by_role("link", name="reload every 5 s").count() == 1


def test_a_worker_that_was_killed_is_missed(browser: Any, scene: Deployment) -> None:
    with opened(browser, scene.workers[0].url) as page:
        page.locator("#state .state.ok, #state .state.degraded").wait_for()
        scene.workers[1].kill()
        page.locator("#workers .pill.down").wait_for()
        until(lambda: "1 of 2 workers answered" in page.locator("#state").inner_text(), "the state says so")

"""The dashboard as a worker serves it: the page, what keeps it up to date, and its bounds."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agents.dashboard.drawing import Drawing
from agents.dashboard.figures import SkillsFigure
from agents.dashboard.gathering import FigureGathering, Reasoning
from agents.dashboard.members import DASHBOARD_PART
from agents.health import ReasoningState, SourceFailures
from agents.kafka.offsets import Offsets
from agents.web import Bounds, RoleTokens, WebServer
from agents.web.dashboard import dashboard_pages
from agents.web.pages import Page
from agents.web.streaming import EventStreams
from schemas.dead_letter import DeadLetter
from tests.agents.situation import TOPIC, Situation, seen, served

__all__ = ["seen"]


@dataclass
class Dashboard:
    """One worker's page; it is the whole group."""

    situation: Situation
    streams: int = 2
    now_s: float = 1_800_000_000.0
    stream_time_s: float = 4.98
    """The time of streams, which stands still: 5 less that is how long they wait between two events."""
    failures: SourceFailures = field(default_factory=SourceFailures)

    def __post_init__(self) -> None:
        self.reasoning = Reasoning(lambda: ReasoningState("scripted"), lambda: 3, lambda: int((self.now_s - 90) * 1e6))
        self.gathering = FigureGathering(
            self.situation.metrics,
            self.situation.health,
            self.situation.lag,
            levels=self.levels,
            failures=self.failures,
            sources=("model", "behaviour"),
            reasoning=self.reasoning,
            now_s=lambda: self.now_s,
        )
        refused = self.situation.metrics.web_refused
        self.open = EventStreams(self.streams, lambda: refused.add("streams"), now_s=lambda: self.stream_time_s)

    async def levels(self) -> SkillsFigure:
        return SkillsFigure()

    async def group(self, _headers: Mapping[str, str]) -> dict[str, Any]:
        figures = {DASHBOARD_PART: await self.gathering.now()}
        return {"workers": [{"instance": "w-0", "state": "live", "partitions": [0, 1], "figures": figures}]}

    async def is_free(self) -> bool:
        """Whether a stream can be opened; waits until one can."""
        async with asyncio.timeout(60), aiohttp.ClientSession(self.server.url) as session:
            while True:
                async with session.get("/group/stream") as response:
                    if response.status == 200:
                        return True

    @asynccontextmanager
    async def served(self, **given: Any) -> AsyncIterator[aiohttp.ClientSession]:
        situation = self.situation
        server = WebServer(
            "127.0.0.1",
            0,
            health=situation.health,
            lag=situation.lag,
            metrics=situation.metrics,
            pages=dashboard_pages(Drawing(self.group, lambda: self.now_s), self.open, "test-app", students=False),
            **given,
        )
        await server.start()
        self.server = server
        try:
            async with aiohttp.ClientSession(server.url) as session:
                yield session
        finally:
            await server.stop()


async def text_of(session: aiohttp.ClientSession, path: str = "/") -> str:
    async with session.get(path) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        return await response.text()


async def event(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The data of the next event."""
    while True:
        line = await response.content.readline()
        assert line, "the stream goes on"
        if line.startswith(b"data: "):
            data: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
            return data


async def test_the_page_shows_what_the_worker_counts_and_what_is_wrong(seen: Situation) -> None:
    dashboard = Dashboard(seen)
    seen.redis_problem = "connection <refused>"
    seen.offsets[TOPIC, 1] = Offsets(0, 1_239, 5)
    await seen.lag.measure()
    dashboard.failures.note("model")
    seen.metrics.dead_letters.add("not_json", 3)
    dashboard.gathering.note_dead_letters(
        [
            DeadLetter(
                topic=TOPIC, partition=1, offset=77, timestamp=0, index=0, reason="not_json", error="", schema_guess=""
            )
        ]
    )
    async with dashboard.served() as session:
        text = await text_of(session)

    for words in (
        "Working, with something missing",
        "connection &lt;refused&gt;",
        "1,234",
        f"{TOPIC}/1 @ 77",
        "failed lately",
        "the oldest for 90 s",
    ):
        assert words in text, words


async def test_what_each_tenant_sends_spends_and_is_held_for_is_on_the_page(seen: Situation) -> None:
    dashboard, metrics = Dashboard(seen), seen.metrics
    async with dashboard.served() as session:
        assert 'id="tenants"' not in await text_of(session)
        metrics.know_tenants(["north", "south"])
        dashboard.gathering.note_step()
        dashboard.now_s += 60
        metrics.tenant_events.add("north", 1_200)
        metrics.tenant_calls_refused.add("north", "calls/hour", 9)
        metrics.tenant_held.replace({("south",): 3.0})
        metrics.tenant_budget_used.replace({("north", "usd/day"): 0.25})
        dashboard.gathering.note_step()
        text = await text_of(session)

    table = text[text.index('id="tenants"') :]
    for words in ("20/s", "held on 3", "75 % of usd/day left", '<td class="number">9</td>'):
        assert words in table, words


async def test_the_lag_is_unknown_where_the_broker_does_not_answer(seen: Situation) -> None:
    seen.offsets_known = False
    await seen.lag.measure()
    async with Dashboard(seen).served() as session:
        assert "Unknown: " in await text_of(session)


async def test_the_page_reloads_only_when_asked(seen: Situation) -> None:
    async with Dashboard(seen).served() as session:
        assert "http-equiv" not in await text_of(session)
        assert '<meta http-equiv="refresh" content="5">' in await text_of(session, "/?refresh")


async def test_a_browser_may_run_and_ask_for_nothing_but_what_is_served_here(seen: Situation) -> None:
    async with Dashboard(seen).served() as session, session.get("/") as response:
        policy = response.headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(("name", "kind"), [("live.js", "text/javascript"), ("dashboard.css", "text/css")])
async def test_assets_are_served_without_a_token_and_nothing_else_is(seen: Situation, name: str, kind: str) -> None:
    async with Dashboard(seen).served(tokens=RoleTokens("s3cret-s3cret-s3cret")) as session:
        async with session.get(f"/assets/{name}") as response:
            assert (response.status, response.content_type) == (200, kind)
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        for path in ("/", "/group/stream"):
            async with session.get(path) as response:
                assert response.status == 401
        for path in ("/assets/", "/assets/..%2f__init__.py", "/assets/nowhere.js"):
            async with session.get(path) as response:
                assert response.status in (401, 404), path


async def test_the_stream_begins_with_all_parts_and_goes_on_with_those_that_change(seen: Situation) -> None:
    dashboard = Dashboard(seen)
    async with dashboard.served() as session, session.get("/group/stream") as response:
        assert response.content_type == "text/event-stream"
        first = await event(response)
        seen.metrics.dead_letters.add("not_json", 41)
        dashboard.now_s += 5
        while "dead-letters" not in (second := await event(response))["parts"]:
            pass

    assert {"state", "tiles", "partitions", "workers"} <= first["parts"].keys()
    assert first["title"] == "ok · test-app"
    assert "41" in second["parts"]["dead-letters"]
    assert "sources" not in second["parts"]


async def test_streams_are_bounded_and_a_place_is_free_again_when_a_reader_leaves(seen: Situation) -> None:
    dashboard = Dashboard(seen, streams=1)
    async with dashboard.served() as session:
        async with session.get("/group/stream") as first:
            await event(first)
            async with session.get("/group/stream") as refused:
                assert refused.status == 503
                assert refused.headers["Retry-After"] == "10"
            async with session.head("/") as page:
                assert page.status == 200
        assert seen.metrics.web_refused.values()["streams"] == 1
        assert await dashboard.is_free()


async def test_a_stream_outlives_the_time_of_an_answer_while_its_reader_takes_it(seen: Situation) -> None:
    timeout_s = 6.0  # long beside what a busy machine may stand still for
    loop = asyncio.get_running_loop()
    dashboard = Dashboard(seen, stream_time_s=4.8)
    async with (
        dashboard.served(bounds=Bounds(answer_timeout_s=timeout_s)) as session,
        session.get("/group/stream") as response,
    ):
        until_s = loop.time() + 1.1 * timeout_s
        while loop.time() < until_s:
            await event(response)

    assert seen.metrics.web_refused.values()["slow"] == 0


async def test_a_reader_that_takes_nothing_is_cut(seen: Situation) -> None:
    streams, ended = EventStreams(1, lambda: None, now_s=lambda: 4.9999), asyncio.Event()

    async def much() -> bytes:
        return b"x" * 4_000_000

    async def respond(request: web.Request) -> web.StreamResponse:
        try:
            return await streams.answer(request, "much", much, 5)
        finally:
            ended.set()

    bounds = Bounds(answer_timeout_s=2.0)
    async with served(seen, bounds=bounds, pages=[Page("/much", respond)]) as session, session.get("/much") as response:
        assert response.status == 200
        async with asyncio.timeout(60):
            await ended.wait()

    assert seen.metrics.web_refused.values()["slow"] == 1
    assert streams.open == 0


async def test_a_server_that_stops_ends_its_streams_at_once(seen: Situation) -> None:
    dashboard = Dashboard(seen)
    async with dashboard.served() as session, session.get("/group/stream") as response:
        await event(response)
        await dashboard.server.stop()
        assert dashboard.open.open == 0
        async with asyncio.timeout(60):
            assert b"data" not in await response.content.read()


async def test_a_head_request_opens_no_stream(seen: Situation) -> None:
    dashboard = Dashboard(seen)
    async with dashboard.served() as session, session.head("/group/stream") as response:
        assert response.status == 200
    assert dashboard.open.open == 0


async def test_charts_have_a_past_and_the_lag_of_an_unreachable_broker_is_a_gap(seen: Situation) -> None:
    dashboard = Dashboard(seen)
    for step in range(4):
        dashboard.gathering.note_step()
        seen.metrics.records.add(50)
        seen.offsets_known = step != 1
        await seen.lag.measure()
        dashboard.now_s += 5
    past = (await dashboard.gathering.now())["past"]

    assert past["series"]["records"] == [50, 50, 50]
    assert past["series"]["lag"] == [0, None, 0]
    assert past["series"]["pending"] == [3, 3, 3]

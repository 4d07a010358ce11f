"""The web pages, asked over HTTP: they tell the truth about what is broken, and nothing about students."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents.embedded import EmbeddedBroker
from agents.health import BrokerPing, Health, NoAnswer, ReasoningState, Server, SourceFailures, Stalled
from agents.lag import LagMonitor, LagUnknown, Offsets, Part
from agents.metrics import Metrics
from agents.web import CannotServe, OpenToNetwork, WebServer
from schemas.errors import Fatal

TOPIC = "student-activity"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Worker:
    """A worker's state, as told."""

    table_recovered: bool = True
    active_partitions: frozenset[int] = frozenset({0, 1})
    failure: BaseException | None = None
    progress_s: dict[int, float] = field(default_factory=dict)
    restored: dict[int, int] = field(default_factory=dict)

    def last_progress_s(self) -> Mapping[int, float]:
        return self.progress_s

    def restored_offsets(self) -> Mapping[int, int]:
        return dict(self.restored)


@dataclass
class Situation:
    """All that health looks at, to be broken piece by piece."""

    clock: Clock = field(default_factory=Clock)
    worker: Worker = field(default_factory=Worker)
    offsets: dict[Part, Offsets] = field(default_factory=lambda: {(TOPIC, p): Offsets(0, 5, 5) for p in range(2)})
    offsets_told: bool = True
    broker_problem: str | None = None
    redis_problem: str | None = None
    redis_hangs: bool = False
    reasoning: ReasoningState = field(default_factory=lambda: ReasoningState("openai", key_present=True))
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.failures = SourceFailures(clock_s=self.clock)
        self.lag = LagMonitor(self, clock_s=self.clock)
        self.metrics.before_render(lambda: self.lag.publish(self.metrics))
        self.broker = Server("127.0.0.1:9092", self.answer_as_broker)
        self.health = Health(
            worker=self.worker,
            lag=self.lag,
            broker=self.broker,
            redis=Server("127.0.0.1:6379", self.answer_as_redis),
            reasoning=lambda: self.reasoning,
            model="default@0123abcd",
            model_skills=1,
            failures=self.failures,
            stall_after_s=60,
            deadline_s=0.2,
            max_age_s=0.0,
            clock_s=self.clock,
        )

    async def read(self) -> Mapping[Part, Offsets]:
        if not self.offsets_told:
            raise LagUnknown("no answer")
        return dict(self.offsets)

    async def unreadable(self, positions: Mapping[Part, int]) -> Collection[Part]:
        return ()

    async def answer_as_broker(self) -> None:
        if self.broker_problem is not None:
            raise NoAnswer(self.broker_problem)

    async def answer_as_redis(self) -> None:
        if self.redis_hangs:
            await asyncio.Event().wait()
        if self.redis_problem is not None:
            raise NoAnswer(self.redis_problem)

    async def pass_time(self, seconds: int) -> None:
        """Seconds go by, each with a look at the lag and the worker."""
        for _ in range(seconds):
            self.clock.now_s += 1
            await self.lag.measure()
            self.health.observe()


@pytest.fixture
async def seen() -> Situation:
    situation = Situation()
    await situation.lag.measure()
    return situation


@asynccontextmanager
async def served(situation: Situation, token: str = "") -> AsyncIterator[aiohttp.ClientSession]:
    server = WebServer(
        "127.0.0.1", 0, health=situation.health, lag=situation.lag, metrics=situation.metrics, token=token
    )
    await server.start()
    try:
        async with aiohttp.ClientSession(server.url) as session:
            yield session
    finally:
        await server.stop()


async def get(situation: Situation, path: str) -> tuple[int, dict[str, object]]:
    async with served(situation) as session, session.get(path) as response:
        return response.status, await response.json()


async def statuses(situation: Situation) -> dict[str, int]:
    found = {}
    async with served(situation) as session:
        for path in ("/live", "/ready", "/health", "/health/detailed"):
            async with session.get(path) as response:
                found[path] = response.status
    return found


def all_of(status: int, **other: int) -> dict[str, int]:
    return dict.fromkeys(("/live", "/ready", "/health", "/health/detailed"), status) | {
        f"/{path}": code for path, code in other.items()
    }


async def test_a_worker_that_works_says_so_everywhere(seen: Situation) -> None:
    assert await statuses(seen) == all_of(200)
    assert await get(seen, "/health") == (200, {"status": "ok", "problems": {}})


async def test_the_detailed_page_names_every_component_with_its_reason(seen: Situation) -> None:
    status, body = await get(seen, "/health/detailed")

    assert (status, body["status"], body["live"], body["ready"]) == (200, "ok", True, True)
    components = body["components"]
    assert isinstance(components, dict)
    assert set(components) == {"broker", "table", "agents", "lag", "redis", "key", "reasoning", "model"}
    assert all(part["status"] == "ok" and part["reason"] for part in components.values())
    lag = body["lag"]
    assert isinstance(lag, dict)
    assert lag["partitions"][1] == {"topic": TOPIC, "partition": 1, "committed": 5, "end": 5, "lag_records": 0}


async def test_a_broker_that_went_away_is_named_and_the_worker_is_not_restarted_for_it(seen: Situation) -> None:
    with EmbeddedBroker() as broker:
        seen.broker = Server(broker.bootstrap, BrokerPing(broker.bootstrap, TOPIC, timeout_s=0.5))
        seen.health = Health(
            worker=seen.worker,
            lag=seen.lag,
            broker=seen.broker,
            redis=None,
            reasoning=lambda: seen.reasoning,
            model="none@00000000",
            model_skills=0,
            failures=seen.failures,
            max_age_s=0.0,
        )
        assert await statuses(seen) == all_of(200)
        address = broker.bootstrap

    assert await statuses(seen) == all_of(503, live=200)
    _, ready = await get(seen, "/ready")
    assert ready == {"ready": False, "down": ["broker"]}
    status, health = await get(seen, "/health")
    assert status == 503
    assert isinstance(health["problems"], dict)
    assert health["problems"]["broker"].startswith(f"{address}: no answer")


async def test_without_redis_it_goes_on_degraded_and_says_why(seen: Situation) -> None:
    seen.redis_problem = "connection refused"

    assert await statuses(seen) == all_of(200)
    _, body = await get(seen, "/health")
    assert body == {
        "status": "degraded",
        "problems": {"redis": "127.0.0.1:6379: connection refused; only this worker's share may be spent"},
    }


async def test_a_redis_that_hangs_delays_the_answer_by_no_more_than_the_deadline(seen: Situation) -> None:
    seen.redis_hangs = True

    async with asyncio.timeout(5):
        _, body = await get(seen, "/health")
    assert isinstance(body["problems"], dict)
    assert "no answer within 0.2 s" in body["problems"]["redis"]


async def test_an_agent_that_stalls_fails_its_liveness(seen: Situation) -> None:
    seen.offsets[TOPIC, 1] = Offsets(0, 9, 5)
    await seen.pass_time(60)
    assert await statuses(seen) == all_of(200)
    await seen.pass_time(1)

    assert await statuses(seen) == all_of(503)
    _, body = await get(seen, "/health")
    assert isinstance(body["problems"], dict)
    assert body["problems"]["agents"] == "stalled: no progress for 60 s on partition 1, with records waiting"


async def test_slow_is_not_stalled(seen: Situation) -> None:
    for second in range(300):
        seen.offsets[TOPIC, 1] = Offsets(0, 1_000, 5 + second // 50)
        await seen.pass_time(1)

    assert seen.health.live()


async def test_batches_confirmed_count_as_progress_before_their_commit(seen: Situation) -> None:
    seen.offsets[TOPIC, 1] = Offsets(0, 1_000, 5)
    for second in range(300):
        seen.worker.progress_s[1] = float(second // 50)
        await seen.pass_time(1)

    assert seen.health.live()


async def test_an_idle_hour_and_then_one_record_is_no_stall(seen: Situation) -> None:
    await seen.pass_time(3600)
    seen.offsets[TOPIC, 0] = Offsets(0, 6, 5)
    await seen.pass_time(30)

    assert seen.health.live()


async def test_a_partition_just_taken_over_is_not_blamed_for_the_time_before(seen: Situation) -> None:
    seen.worker.active_partitions = frozenset({0})
    seen.offsets[TOPIC, 1] = Offsets(0, 9, 5)
    await seen.pass_time(300)
    assert seen.health.live()
    seen.worker.active_partitions = frozenset({0, 1})
    await seen.pass_time(30)
    assert seen.health.live()
    await seen.pass_time(31)

    assert not seen.health.live()


async def test_time_without_figures_of_the_lag_is_not_held_against_the_worker(seen: Situation) -> None:
    seen.offsets[TOPIC, 1] = Offsets(0, 9, 5)
    await seen.pass_time(50)
    seen.offsets_told = False
    await seen.pass_time(100)
    assert seen.health.live()
    _, body = await get(seen, "/health")
    assert body == {"status": "degraded", "problems": {"lag": "unknown: no answer"}}
    seen.offsets_told = True
    await seen.pass_time(50)

    assert seen.health.live()


async def test_the_watchdog_halts_a_stalled_worker_once_and_leaves_a_working_one_alone(seen: Situation) -> None:
    halted: list[BaseException] = []
    watching = asyncio.create_task(seen.health.watch(halted.append, every_s=0.001))
    await seen.pass_time(100)
    assert not halted
    seen.offsets[TOPIC, 0] = Offsets(0, 9, 5)
    await seen.pass_time(61)
    async with asyncio.timeout(5):
        await watching

    assert [type(reason) for reason in halted] == [Stalled]
    assert "partitions [0]" in str(halted[0])


async def test_while_the_table_is_restored_it_is_alive_but_not_ready(seen: Situation) -> None:
    seen.worker.table_recovered = False

    assert await statuses(seen) == all_of(503, live=200)
    assert (await get(seen, "/ready"))[1] == {"ready": False, "down": ["table"]}


async def test_a_recovery_without_progress_ends_the_worker_and_one_that_reads_on_does_not(seen: Situation) -> None:
    halted: list[BaseException] = []
    seen.worker.table_recovered = False
    watching = asyncio.create_task(seen.health.watch(halted.append, every_s=0.001))
    await seen.pass_time(50)
    seen.worker.restored[0] = 1_000
    await seen.pass_time(50)
    seen.offsets_told = False
    await seen.pass_time(100)
    seen.offsets_told = True
    assert seen.health.live()
    assert not halted
    await seen.pass_time(61)

    assert await statuses(seen) == all_of(503)
    async with asyncio.timeout(5):
        await watching
    assert "nothing of the table was restored for 6" in str(halted[0])


async def test_a_failure_of_ours_is_told_and_another_s_words_are_not(seen: Situation) -> None:
    seen.worker.failure = Fatal("a send failed")
    assert await statuses(seen) == all_of(503)
    assert "a send failed" in str((await get(seen, "/health"))[1])
    seen.worker.failure = KeyError("student-4711")

    assert "agents': 'stopped: KeyError'" in str((await get(seen, "/health"))[1])


@pytest.mark.parametrize(
    ("reasoning", "component", "status", "words"),
    [
        (ReasoningState("off"), "reasoning", "ok", "off, by configuration"),
        (ReasoningState("scripted"), "key", "ok", "none needed"),
        (ReasoningState("openai"), "key", "degraded", "OPENAI_API_KEY is not set"),
        (ReasoningState("openai", True, "the credit is spent"), "reasoning", "degraded", "the credit is spent"),
    ],
)
async def test_reasoning_degrades_and_never_stops_a_worker(
    seen: Situation, reasoning: ReasoningState, component: str, status: str, words: str
) -> None:
    seen.reasoning = reasoning
    code, body = await get(seen, "/health/detailed")

    assert code == 200
    assert body["status"] == status
    assert isinstance(body["components"], dict)
    assert body["components"][component]["status"] == status
    assert words in body["components"][component]["reason"]


async def test_a_source_that_fails_degrades_the_model_until_it_is_well_for_a_while(seen: Situation) -> None:
    seen.failures.note("language")
    assert (await get(seen, "/health"))[1] == {
        "status": "degraded",
        "problems": {"model": "default@0123abcd; updates lack sources that fail: language"},
    }
    await seen.pass_time(61)

    assert (await get(seen, "/health"))[1]["status"] == "ok"


async def test_many_askers_at_once_are_one_question_to_the_servers(seen: Situation) -> None:
    asked = 0

    async def answer() -> None:
        nonlocal asked
        asked += 1

    health = Health(
        worker=seen.worker,
        lag=seen.lag,
        broker=Server("127.0.0.1:9092", answer),
        redis=None,
        reasoning=lambda: seen.reasoning,
        model="none",
        model_skills=0,
        failures=seen.failures,
        clock_s=seen.clock,
    )
    await asyncio.gather(*(health.check() for _ in range(50)))
    assert asked == 1
    seen.clock.now_s += 1
    await health.check()

    assert asked == 2


async def test_metrics_are_in_prometheus_s_format_with_the_lag(seen: Situation) -> None:
    seen.offsets[TOPIC, 1] = Offsets(0, 9, 5)
    await seen.lag.measure()
    seen.metrics.updates.add(7)
    async with served(seen) as session, session.get("/metrics") as response:
        text, content_type = await response.text(), response.headers["Content-Type"]

    samples = {
        (sample.name, sample.labels.get("partition")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert content_type.startswith("text/plain; version=")
    assert samples["skillstream_updates_total", None] == 7
    assert samples["skillstream_consumer_lag_records", "1"] == 4
    assert samples["skillstream_consumer_lag_age_seconds", None] == 0


class Outline(HTMLParser):
    """Collects a page's text and tags; fails on tags that don't match."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.assets: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.assets += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.text += text + " "


async def page_of(situation: Situation, path: str = "/") -> Outline:
    async with served(situation) as session, session.get(path) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        outline = Outline()
        outline.feed(await response.text())
        outline.close()
    return outline


async def test_the_page_for_people_shows_state_lag_events_updates_and_spend(seen: Situation) -> None:
    seen.redis_problem = "connection refused"
    seen.offsets[TOPIC, 1] = Offsets(0, 1_239, 5)
    await seen.lag.measure()
    seen.metrics.updates.add(4_321)
    seen.metrics.events.add("applied", 98_765)
    seen.metrics.calls_granted.add(17)
    page = await page_of(seen)

    for words in ("degraded", "connection refused", "1,234", TOPIC, "4,321", "98,765", "17", "Working, with something"):
        assert words in page.text, words
    assert {"main", "h1", "caption", "nav"} <= set(page.tags)
    assert all(asset.startswith("/") for asset in page.assets), "no outside assets"
    assert "script" not in page.tags


async def test_the_page_says_that_the_lag_is_unknown(seen: Situation) -> None:
    seen.offsets_told = False
    await seen.lag.measure()
    page = await page_of(seen)

    assert "Unknown: " in page.text
    assert "records behind in all" not in page.text


async def test_the_page_escapes_what_it_is_told(seen: Situation) -> None:
    seen.redis_problem = "<script>alert(1)</script>"
    seen.metrics.dead_letters.add("<img src=x>")
    page = await page_of(seen)

    assert "script" not in page.tags
    assert "img" not in page.tags
    assert "<script>alert(1)</script>" in page.text


async def test_the_page_reloads_only_when_asked(seen: Situation) -> None:
    once, again = await page_of(seen), await page_of(seen, "/?refresh")

    assert again.tags.count("meta") == once.tags.count("meta") + 1


async def test_unknown_paths_and_methods_are_answered_in_json(seen: Situation) -> None:
    assert await get(seen, "/table/students/s1/") == (404, {"error": "not found"})
    assert await get(seen, "/table") == (404, {"error": "not found"})
    async with served(seen) as session, session.post("/health") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"
        assert await response.json() == {"error": "method not allowed"}


@pytest.mark.parametrize("path", ["/live", "/health", "/metrics", "/", "/nowhere"])
async def test_head_answers_as_get_without_a_body_and_with_the_security_headers(seen: Situation, path: str) -> None:
    async with served(seen) as session, session.get(path) as full, session.head(path) as head:
        assert head.status == full.status
        assert await head.read() == b""
        for response in (full, head):
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert "aiohttp" not in response.headers["Server"]


async def test_with_a_token_only_the_probes_are_open(seen: Situation) -> None:
    def basic(password: str) -> str:
        return "Basic " + base64.b64encode(f"me:{password}".encode()).decode()

    good = ("Bearer s3cret:ü", "bearer s3cret:ü", basic("s3cret:ü"))
    bad = (
        "",
        "Bearer",
        "Bearer s3cret",
        "Bearer ",
        "s3cret:ü",
        basic("other"),
        basic(""),
        "Basic ?",
        "Digest s3cret:ü",
    )
    async with served(seen, token="s3cret:ü") as session:
        for path in ("/live", "/ready"):
            async with session.get(path) as response:
                assert response.status == 200
        for path in ("/", "/health", "/health/detailed", "/metrics", "/nowhere"):
            for authorization in bad:
                async with session.get(path, headers={"Authorization": authorization}) as response:
                    assert response.status == 401, (path, authorization)
                    assert response.headers["WWW-Authenticate"].startswith("Basic ")
                    assert await response.json() == {"error": "a token is needed"}
        for authorization in good:
            async with session.get("/metrics", headers={"Authorization": authorization}) as response:
                assert response.status == 200, authorization


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "skillstream.example"])
async def test_without_a_token_it_refuses_to_be_reached_from_elsewhere(seen: Situation, host: str) -> None:
    with pytest.raises(OpenToNetwork, match="SKILLSTREAM_WEB_TOKEN"):
        WebServer(host, 0, health=seen.health, lag=seen.lag, metrics=seen.metrics)
    WebServer(host, 0, health=seen.health, lag=seen.lag, metrics=seen.metrics, token="s3cret")


async def test_a_port_in_use_is_told_with_what_to_do(seen: Situation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = WebServer("127.0.0.1", port, health=seen.health, lag=seen.lag, metrics=seen.metrics)
        with pytest.raises(CannotServe, match=rf"127\.0\.0\.1:{port}.*SKILLSTREAM_WEB_PORT"):
            await server.start()
        await server.stop()


async def test_stopping_closes_the_port_and_may_be_done_twice(seen: Situation) -> None:
    server = WebServer("127.0.0.1", 0, health=seen.health, lag=seen.lag, metrics=seen.metrics)
    await server.start()
    async with aiohttp.ClientSession(server.url) as session:
        async with session.get("/live") as response:
            assert response.status == 200
        await server.stop()
        await server.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("/live")

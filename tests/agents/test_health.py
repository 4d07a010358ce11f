"""What the web pages tell of a worker's health: the truth about what is broken, asked over HTTP."""

import asyncio
import re
import threading

import pytest

from agents.health import BrokerPing, Health, HealthBounds, NormsState, ReasoningState, Server, Watched, checker
from agents.kafka.embedded import EmbeddedBroker
from agents.kafka.offsets import Offsets
from agents.kafka.renewed import Renewed
from schemas.errors import Fatal
from tests.agents.situation import TOPIC, Situation, all_of, get, seen, statuses

__all__ = ["seen"]


async def test_a_worker_that_works_says_so_everywhere(seen: Situation) -> None:
    assert await statuses(seen) == all_of(200)
    assert await get(seen, "/health") == (200, {"status": "ok", "problems": {}})


async def test_the_detailed_page_names_every_component_with_its_reason(seen: Situation) -> None:
    status, body = await get(seen, "/health/detailed")

    assert (status, body["status"], body["live"], body["ready"]) == (200, "ok", True, True)
    components = body["components"]
    assert isinstance(components, dict)
    assert set(components) == {
        *(
            "broker",
            "table",
            "agents",
            "input",
            "lag",
            "redis",
            "key",
            "reasoning",
            "budget",
            "model",
            "config",
            "repeats",
            "norms",
        )
    }
    assert all(part["status"] == "ok" and part["reason"] for part in components.values())
    lag = body["lag"]
    assert isinstance(lag, dict)
    assert lag["partitions"][1] == {
        "topic": TOPIC,
        "partition": 1,
        "committed": 5,
        "end": 5,
        "high_watermark": None,
        "lag_records": 0,
        "lag_seconds": 0.0,
        "status": "OK",
        "owner": None,
        "open_transaction_records": 0,
    }


async def test_a_broker_that_becomes_unavailable_is_named_and_the_worker_is_not_restarted_for_it(
    seen: Situation,
) -> None:
    with EmbeddedBroker() as broker:
        ping = BrokerPing(broker.bootstrap, TOPIC, timeout_s=60.0)
        seen.broker = Server(broker.bootstrap, ping)
        watched = Watched(
            worker=seen.worker,
            lag=seen.lag,
            broker=seen.broker,
            redis=None,
            reasoning=lambda: seen.reasoning,
            model="none@00000000",
            model_skills=0,
            config=lambda: seen.config,
            failures=seen.failures,
        )
        seen.health = Health(watched, HealthBounds(deadline_s=60.0, max_age_s=0.0))
        assert await statuses(seen) == all_of(200)
        address = broker.bootstrap
    ping._timeout_s = 0.5  # noqa: SLF001  nobody answers any more

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

    async with asyncio.timeout(60):
        _, body = await get(seen, "/health")
    assert isinstance(body["problems"], dict)
    assert "no answer within 0.2 s" in body["problems"]["redis"]


async def test_a_transaction_that_stays_open_is_named_after_a_while(seen: Situation) -> None:
    seen.offsets[TOPIC, 1] = Offsets(0, 5, 5, 25)
    await seen.pass_time(59)
    assert (await get(seen, "/health"))[1]["status"] == "ok"
    await seen.pass_time(2)

    _, body = await get(seen, "/health")
    assert isinstance(body["problems"], dict)
    assert body["problems"]["lag"].startswith(
        f"20 records wait for an open transaction on 1 partitions, those of {TOPIC}/1"
    )
    assert await statuses(seen) == all_of(200)


async def test_far_behind_is_degraded_then_failing_and_the_worker_is_left_to_catch_up(seen: Situation) -> None:
    seen.offsets[TOPIC, 0] = Offsets(0, 5 + 800_925, 5)
    seen.worker.progress_s = {0: 1.0}
    await seen.pass_time(30)
    _, body = await get(seen, "/health")
    assert body["status"] == "degraded"
    assert await statuses(seen) == all_of(200)
    for second in range(90):  # it goes on, and more comes
        seen.worker.progress_s = {0: float(second)}
        seen.offsets[TOPIC, 0] = Offsets(0, 5 + 800_925 + 3_000 * second, 5 + 500 * second)
        await seen.pass_time(1)

    assert await statuses(seen) == all_of(503, live=200, ready=200)
    _, body = await get(seen, "/health")
    assert body["status"] == "failing"
    assert isinstance(body["problems"], dict)
    said = "1,023,425 records behind, the oldest for 2 m 0 s, on 1 of 2 partitions of the group's topics"
    assert body["problems"]["lag"] == f"{said}; falling behind by 2,500 records/s"


async def test_a_little_behind_for_long_is_told_too_and_how_long_it_will_take(seen: Situation) -> None:
    seen.offsets[TOPIC, 0] = Offsets(0, 605, 5)
    await seen.pass_time(1)
    for second in range(100):
        seen.worker.progress_s = {0: float(second)}
        seen.offsets[TOPIC, 0] = Offsets(0, 605, 5 + second)
        await seen.pass_time(1)

    _, body = await get(seen, "/health")
    assert body["status"] == "degraded"
    said = "501 records behind, the oldest for 1 m 41 s, on 1 of 2 partitions of the group's topics"
    assert body["problems"] == {"lag": f"{said}; catching up by 1 records/s, level in about 8 m 21 s"}


@pytest.mark.parametrize("recovered", [True, False])
async def test_a_broker_that_is_waited_for_degrades_and_ends_nobody_before_the_wait_is_over(
    seen: Situation, recovered: bool
) -> None:
    seen.worker.table_recovered = recovered
    seen.worker.broker_outage = "commit: TimeoutError"
    seen.broker_problem = "no answer"
    seen.offsets[TOPIC, 0] = Offsets(0, 9, 5)
    await seen.pass_time(500)

    assert seen.health.live()
    _, body = await get(seen, "/health")
    assert body["status"] == ("degraded" if recovered else "down")  # down: for its table
    assert "away, and waited for: commit: TimeoutError" in str(body["problems"])

    seen.worker.broker_outage = None
    await seen.pass_time(61)
    assert not seen.health.live()


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
        (ReasoningState("openai", True, None, "nobody answers"), "reasoning", "degraded", "nobody answers"),
        (
            ReasoningState("openai", True, unpaid_tenants={"north": "5.00 of 5.00 US dollars of the day spent"}),
            "tenants",
            "degraded",
            "north has no money left, the template explains to it alone: 5.00 of 5.00",
        ),
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


@pytest.mark.parametrize(
    ("norms", "status", "words"),
    [
        (NormsState(off=True), "ok", "off, by configuration"),
        (NormsState(), "ok", "none yet"),
        (NormsState("9f86d081884c7d65", 12), "ok", "9f86d081884c7d65, number 12, is in force"),
        (NormsState("9f86d081884c7d65", 12, "cut"), "degraded", "9f86d081884c7d65, number 12; scores go on: cut"),
        (NormsState(problem="no right"), "degraded", "scores go on: no right"),
    ],
)
async def test_norms_that_cannot_be_read_or_used_degrade_and_never_stop_a_worker(
    seen: Situation, norms: NormsState, status: str, words: str
) -> None:
    seen.norms = norms
    code, body = await get(seen, "/health/detailed")

    assert (code, body["status"]) == (200, status)
    assert isinstance(body["components"], dict)
    assert body["components"]["norms"]["status"] == status
    assert words in body["components"]["norms"]["reason"]


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

    watched = Watched(
        worker=seen.worker,
        lag=seen.lag,
        broker=Server("127.0.0.1:9092", answer),
        redis=None,
        reasoning=lambda: seen.reasoning,
        model="none",
        model_skills=0,
        config=lambda: seen.config,
        failures=seen.failures,
    )
    health = Health(watched, clock_s=seen.clock)
    await asyncio.gather(*(health.check() for _ in range(50)))
    assert asked == 1
    seen.clock.now_s += 1
    await health.check()

    assert asked == 2


async def test_events_that_may_be_repeats_too_old_to_be_known_are_told_with_the_setting(seen: Situation) -> None:
    seen.beyond_horizon = 7

    _, body = await get(seen, "/health/detailed")

    components = body["components"]
    assert isinstance(components, dict)
    assert components["repeats"]["status"] == "ok"
    assert re.match(r"7 events .* raise SKILLSTREAM_KNOWN_IDS", components["repeats"]["reason"])


async def test_a_broker_that_is_asked_opens_and_replaces_its_clients_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both may block, and the last reference to a replaced client closes it."""
    places: list[int] = []

    class Client:
        def __init__(self) -> None:
            places.append(threading.get_ident())

        def __del__(self) -> None:
            places.append(threading.get_ident())

        def list_topics(self, _topic: str, timeout: float) -> None:
            raise TimeoutError(timeout)

    monkeypatch.setattr(checker, "open_admin", lambda _broker: Client())
    monkeypatch.setattr(Renewed.__init__, "__defaults__", (lambda: 10.0 * len(places),))
    ping = BrokerPing("nowhere:1", TOPIC)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await ping()

    assert len(places) > 3, "clients were replaced"
    assert threading.get_ident() not in places

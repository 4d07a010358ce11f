"""A provider that is dead for minutes: hardly a call is spent on it, people are told once, and it is found again."""

import logging
from typing import Any

import pytest
from aiohttp import web

from streams.limits import LimitUnavailable, RateLimitExceeded
from streams.reasoning.policy.breaker import Breaker, OutageRule, ReasoningPaused
from tests.servers.openai import Answer, LoopbackOpenAI, failing, good, hanging, of_bytes, out_of_quota, throttled
from tests.unit.reasoning.rig import PATIENT_S, Rig


async def serve(rig: Rig, seconds: int, step_s: float = 0.3) -> list[float]:
    """Ask for somebody new at each step, as the limits would allow, and wait as the reasoner does; when calls were."""
    called_s, begin_us = [], rig.clock.now_us
    while rig.clock.now_us < begin_us + seconds * 1_000_000:
        before = len(rig.calls)
        try:
            await rig.explain()
        except (ReasoningPaused, RateLimitExceeded) as wait:
            rig.clock.advance(seconds=min(wait.retry_after_s, 30.0))
        except LimitUnavailable:
            rig.clock.advance(seconds=1)
        called_s += [(rig.clock.now_us - begin_us) / 1e6] * (len(rig.calls) - before)
        rig.clock.advance(seconds=step_s)
    return called_s


@pytest.mark.parametrize(
    "dead",
    [failing(500), of_bytes(b"", 502), hanging],
    ids=["500", "empty 502", "hang"],
)
async def test_a_dead_provider_is_spared_told_of_once_and_found_again(
    server: LoopbackOpenAI, dead: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    server.plan(then=dead)
    async with Rig(server.url, read_timeout_s=1.0 if dead is hanging else PATIENT_S) as rig:
        called_s = await serve(rig, 30)
        assert rig.explainer.trouble is not None
        called_s += [30 + at for at in await serve(rig, 390)]

        assert max(sum(at <= each < at + 60 for each in called_s) for at in range(360)) < 5
        assert len(called_s) <= 7
        assert rig.explainer.trouble is not None
        assert rig.explainer.paused_because is not None
        assert caplog.text.count("No explanations for now") == 1

        server.plan(then=good)
        with caplog.at_level(logging.INFO):
            await serve(rig, 330, step_s=3.0)
        assert rig.explainer.trouble is None
        assert caplog.text.count("Explanations are made again") == 1
        assert rig.outcomes.count("explained") > 10
        assert rig.alerts == []


@pytest.mark.parametrize("call_s", [0.1, 5.0, 10.0, 20.0, 30.0])
async def test_within_a_minute_a_dead_provider_is_trouble_though_a_single_student_waits(
    server: LoopbackOpenAI, rig: Rig, call_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    def dead(asked: dict[str, Any]) -> web.Response | None:
        rig.clock.advance(seconds=call_s)
        return failing(500)(asked)

    server.plan(then=dead)
    began_us, attempts = rig.clock.now_us, 0
    while rig.explainer.trouble is None:
        _, result = await rig.explain(attempts)
        attempts = result.attempts
        if rig.explainer.trouble is None:
            rig.clock.advance(seconds=(result.not_before_us - rig.clock.now_us) / 1e6)
    assert rig.clock.now_us - began_us <= 60_000_000
    assert caplog.text.count("No explanations for now") == 1


async def test_a_provider_of_which_every_third_call_fails_goes_on_being_asked(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(*[failing(500), good, good] * 30, then=good)
    called_s = await serve(rig, 25)
    assert len(called_s) > 60
    assert rig.explainer.paused_because is None


async def test_only_one_probe_is_made_at_a_time() -> None:
    breaker = Breaker(900.0, lambda _why: None, OutageRule(failures=3, pause_s=30.0))
    for at_us in (0, 400_000, 1_000_000):
        breaker.fail("the model's server cannot be reached", at_us, at_us)
    with pytest.raises(ReasoningPaused) as paused:
        breaker.check(1_000_000)
    assert paused.value.retry_after_s == 30
    breaker.enter(31_000_000)
    with pytest.raises(ReasoningPaused):
        breaker.enter(31_000_000)


def test_each_probe_in_vain_doubles_the_pause_up_to_a_bound() -> None:
    breaker = Breaker(900.0, lambda _why: None, OutageRule(failures=2, pause_s=30.0, most_pause_s=100.0))
    for at_us in (0, 2_000_000):
        breaker.fail("away", at_us, at_us)
    now_us, pauses_s = 2_000_000, []
    for _ in range(4):
        with pytest.raises(ReasoningPaused) as paused:
            breaker.check(now_us)
        pauses_s.append(paused.value.retry_after_s)
        now_us += round(paused.value.retry_after_s * 1e6)
        breaker.enter(now_us)
        breaker.fail("away", now_us, now_us)
    assert pauses_s == [30, 60, 100, 100]
    breaker.enter(now_us + 100_000_000)
    breaker.answer(now_us + 100_000_000)
    assert breaker.why is None
    breaker.fail("once more", now_us, now_us + 110_000_000)
    assert breaker.why is None


def test_calls_that_fail_together_are_one_sign() -> None:
    breaker = Breaker(900.0, lambda _why: None)
    for _ in range(32):
        breaker.fail("a reset connection", 5, 5)
    assert breaker.why is None
    breaker.fail("and again", 500_005, 500_005)
    assert breaker.why == "and again"


def test_calls_that_hang_are_an_outage_when_the_third_is_given_up() -> None:
    """Those that begin meanwhile would hang as well."""
    breaker = Breaker(900.0, lambda _why: None)
    for _ in range(3):
        assert breaker.why is None
        breaker.fail("the model did not answer in time", 0, 30_000_000)
    assert breaker.why == "the model did not answer in time"


def test_an_outage_does_not_alert_and_spent_credit_during_one_does() -> None:
    alerts: list[str] = []
    breaker = Breaker(900.0, alerts.append)
    for at_us in (0, 1, 2_000_000):
        breaker.fail("away", at_us, at_us)
    assert alerts == []
    breaker.trip("add credit", 3_000_000)
    breaker.trip("add credit", 4_000_000)
    assert alerts == ["add credit"]


@pytest.mark.parametrize("fault", [throttled("2"), out_of_quota])
async def test_what_is_no_outage_is_not_taken_for_one(server: LoopbackOpenAI, rig: Rig, fault: Answer) -> None:
    server.plan(then=fault)
    await serve(rig, 60)
    assert set(rig.calls) <= {"throttled", "blocked"}
    assert (rig.explainer.paused_because is not None) == (fault is out_of_quota)

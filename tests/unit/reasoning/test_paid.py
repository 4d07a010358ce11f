"""What calls cost: the ledger against the provider's bill, and what happens when the money is spent."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from schemas.explanation import Explanation
from streams.limits import RateLimitExceeded
from streams.reasoning.model.outcome import Called
from streams.reasoning.policy.settings import ExplainSettings
from streams.reasoning.request.sent import PROMPT_VERSION
from streams.spending.account import MoneySpent
from streams.spending.limits import ScopeLimits, SpendingLimits
from streams.spending.usage import TokenUsage
from tests.servers.openai import Answer, LoopbackOpenAI, cut_off, failing, good, hanging, ungrounded, using
from tests.unit.reasoning.rig import Rig
from tests.unit.reasoning.samples import STUDENT

CENT = 10_000_000
USAGE = {"prompt_tokens": 1_500, "completion_tokens": 180}


async def explained(rig: Rig) -> Explanation:
    explanation, _ = await rig.explain()
    assert explanation is not None
    return explanation


async def spent(rig: Rig) -> int:
    """Billionths of US dollars of this day."""
    return (await rig.account.look()).sums[0].nano_usd


def limited(server: LoopbackOpenAI, day: int) -> Rig:
    return Rig(server.url, limits=SpendingLimits(ScopeLimits(day=day)))


class Bill:
    """What the provider charges for: gpt-4.1 at 2, 0.5 and 8 US dollars a million tokens."""

    def __init__(self) -> None:
        self.nano_usd = 0

    def charging(self, prompt: int, completion: int, cached: int = 0, answer: Answer = good) -> Answer:
        def charged(asked: dict[str, Any]) -> web.Response | None:
            self.nano_usd += (prompt - cached) * 2_000 + cached * 500 + completion * 8_000
            response = answer(asked)
            assert response is not None
            assert isinstance(response.body, bytes)
            usage = {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
                "prompt_tokens_details": {"cached_tokens": cached},
                "completion_tokens_details": {"reasoning_tokens": completion // 2},
            }
            return web.json_response({**json.loads(response.body), "usage": usage})

        return charged


async def test_the_ledger_agrees_with_the_providers_bill(server: LoopbackOpenAI, rig: Rig) -> None:
    bill = Bill()
    server.plan(
        bill.charging(1_300, 210),
        bill.charging(1_700, 640, cached=1_024),
        failing(500),
        bill.charging(1_301, 77, cached=1_280),
        failing(429),
        bill.charging(900, 95, answer=ungrounded),
        bill.charging(1_100, 90),
        bill.charging(400, 4_096, answer=cut_off),
        bill.charging(450, 33),
    )
    for _ in range(8):
        await rig.explain()
        rig.clock.advance(seconds=120)

    assert len(server.calls) == 10
    assert abs(await spent(rig) - bill.nano_usd - 2_600_000) <= 0.01 * bill.nano_usd  # the tenth was a plain one
    called = sum(event.nano_usd for event in rig.events if isinstance(event, Called))
    assert called == await spent(rig)


async def test_each_message_says_what_it_cost(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(Bill().charging(1_000, 200, cached=400, answer=ungrounded), Bill().charging(1_100, 100))
    usage = (await explained(rig)).usage

    assert usage is not None
    assert usage.model == "gpt-4.1-2026-01-01"
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (2, 2_100, 300)
    assert (usage.cached_tokens, usage.reasoning_tokens, usage.estimated) == (400, 150, False)
    assert usage.cost_usd == pytest.approx((1_700 * 2 + 400 * 0.5 + 300 * 8) / 1e6)
    assert (usage.prompt_version, usage.request_id) == (PROMPT_VERSION, "chatcmpl-loopback")


async def test_a_template_says_what_the_calls_before_it_cost(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(then=cut_off)
    explanation = await explained(rig)

    assert (explanation.generator, explanation.reason) == ("template", "rejected")
    assert explanation.usage is not None
    assert (explanation.usage.calls, explanation.usage.input_tokens) == (2, 1_400)


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": "many"}, {"prompt_tokens": 5, "completion_tokens": -1}])
async def test_a_good_text_without_a_usage_is_published_and_costs_what_was_reserved(
    server: LoopbackOpenAI, rig: Rig, usage: dict[str, Any]
) -> None:
    server.plan(using(**usage))
    explanation = await explained(rig)

    assert explanation.generator == "model"
    assert explanation.usage is not None
    assert explanation.usage.estimated
    assert explanation.usage.cost_usd == pytest.approx(await spent(rig) / 1e9)
    assert await spent(rig) > 4_096 * 8_000


async def test_tokens_that_are_only_in_the_total_are_output(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(using(**USAGE, total_tokens=2_000))
    usage = (await explained(rig)).usage
    assert usage is not None
    assert usage.output_tokens == 500


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_an_answer_with_an_errors_status_costs_nothing(server: LoopbackOpenAI, rig: Rig, status: int) -> None:
    server.plan(failing(status))
    await rig.explain()
    assert await spent(rig) == 0


async def test_a_server_that_is_not_there_costs_nothing(server: LoopbackOpenAI) -> None:
    async with Rig("http://127.0.0.1:9/v1") as rig:
        await rig.explain()
        assert await spent(rig) == 0


async def test_a_call_that_was_never_answered_costs_what_was_reserved(server: LoopbackOpenAI) -> None:
    server.plan(hanging)
    async with Rig(server.url, read_timeout_s=0.3) as rig:
        await rig.explain()
        assert await spent(rig) > 4_096 * 8_000


async def test_a_reply_is_capped_at_what_is_reserved(server: LoopbackOpenAI, rig: Rig) -> None:
    await explained(rig)
    assert json.loads(server.calls[0].body)["max_completion_tokens"] == ExplainSettings().reply_tokens


async def test_when_the_money_is_spent_the_template_explains_and_nobody_is_asked(server: LoopbackOpenAI) -> None:
    async with limited(server, day=10 * CENT) as rig:
        explanations = [await explained(rig) for _ in range(40)]
        assert 0 < await spent(rig) <= 10 * CENT
    written = [explanation.generator for explanation in explanations]
    asked = written.count("model")
    assert written == ["model"] * asked + ["template"] * (40 - asked)
    assert {e.reason for e in explanations[asked:]} == {"spent"}
    assert explanations[-1].usage is None
    assert len(server.calls) == asked == rig.grants
    assert rig.explainer.trouble is None


async def test_no_more_than_one_reservation_of_a_limit_is_left_unspent(server: LoopbackOpenAI) -> None:
    async with limited(server, day=10 * CENT) as rig:
        for _ in range(40):
            await explained(rig)
        assert 10 * CENT - await spent(rig) < 5 * CENT


async def test_calls_under_way_are_waited_for_before_money_counts_as_spent(server: LoopbackOpenAI) -> None:
    async with limited(server, day=6 * CENT) as rig:
        answers = await asyncio.gather(*(rig.explain() for _ in range(5)), return_exceptions=True)
    waiting = [answer for answer in answers if isinstance(answer, RateLimitExceeded)]
    assert len(waiting) == 4
    assert {(wait.bucket, wait.retry_after_s) for wait in waiting} == {("usd/day", 1.0)}


async def test_tokens_of_a_minute_are_waited_for(server: LoopbackOpenAI) -> None:
    async with Rig(server.url, limits=SpendingLimits(ScopeLimits(tokens_per_minute=14_000))) as rig:
        await explained(rig)
        await rig.account.reserve("other", "gpt-4.1", 14_000 - 850, 0)
        with pytest.raises(RateLimitExceeded) as wait:
            await explained(rig)
        assert wait.value.bucket == "tokens/minute"
        rig.clock.advance(seconds=wait.value.retry_after_s)
        assert (await explained(rig)).generator == "model"


async def test_a_school_that_spent_its_money_takes_none_of_anothers(server: LoopbackOpenAI) -> None:
    assert STUDENT.startswith("urn:")
    async with Rig(server.url, limits=SpendingLimits(school=ScopeLimits(day=5 * CENT))) as rig:
        written = [(await explained(rig)).generator for _ in range(20)]
        assert written[-1] == "template"
        await rig.account.reserve("another", "gpt-4.1", 0, 5 * CENT)
        with pytest.raises(MoneySpent):
            await rig.account.reserve("urn", "gpt-4.1", 0, 5 * CENT)


async def test_a_call_that_the_limit_of_calls_refuses_reserves_nothing(server: LoopbackOpenAI) -> None:
    async with Rig(server.url, calls=1) as rig:
        await explained(rig)
        before = await spent(rig)
        with pytest.raises(RateLimitExceeded):
            await explained(rig)
        assert await spent(rig) == before


@pytest.mark.parametrize(
    ("refusal", "sent"),
    [
        ("Unsupported parameter: 'max_completion_tokens'", "max_tokens"),
        ('[{"loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted"}]', "max_tokens"),
    ],
)
async def test_a_server_that_knows_only_the_older_cap_gets_that(
    server: LoopbackOpenAI, rig: Rig, refusal: str, sent: str
) -> None:
    def refusing_the_cap(_asked: dict[str, Any]) -> web.Response:
        return web.json_response({"error": {"message": refusal}}, status=400)

    server.plan(refusing_the_cap)
    assert (await explained(rig)).generator == "model"
    asked = json.loads(server.calls[-1].body)
    assert asked[sent] == 4_096
    assert "max_completion_tokens" not in asked


async def test_a_cap_whose_value_is_refused_is_not_left_out(server: LoopbackOpenAI, rig: Rig) -> None:
    def too_large(_asked: dict[str, Any]) -> web.Response:
        said = "max_completion_tokens is too large: 4096. This model supports at most 2048 completion tokens"
        return web.json_response({"error": {"message": said}}, status=400)

    server.plan(too_large)
    assert (await explained(rig)).reason == "refused"
    await explained(rig)
    assert json.loads(server.calls[-1].body)["max_completion_tokens"] == 4_096


def test_usages_add_up() -> None:
    one = TokenUsage(1, 2, 3, 4, 5)
    assert one.plus(one) == TokenUsage(2, 4, 6, 8, 10)
    assert one.total_tokens == 3

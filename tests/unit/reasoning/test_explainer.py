"""Every way in which a call can go, against a server that speaks the protocol; and that the budget counts each."""

import asyncio
import json

import msgspec
import pytest

from streams.limits import RateLimitExceeded
from streams.reasoning.asking import NotWanted
from streams.reasoning.model.outcome import Called
from streams.reasoning.policy.breaker import ReasoningPaused
from streams.reasoning.policy.settings import ExplainSettings
from streams.rows.row import Pending
from streams.spending.usage import TokenUsage
from tests.servers.openai import (
    Answer,
    LoopbackOpenAI,
    cut_off,
    facts_in,
    failing,
    good,
    hanging,
    out_of_quota,
    refusing,
    throttled,
    ungrounded,
)
from tests.unit.reasoning.rig import PATIENT_S, Rig
from tests.unit.reasoning.samples import NAME, PHRASE, STUDENT, update


async def test_a_good_reply_becomes_an_explanation_that_cites_the_updates_evidence(
    server: LoopbackOpenAI, rig: Rig
) -> None:
    explanation, result = await rig.explain()

    assert explanation is not None
    assert (explanation.generator, explanation.model) == ("model", "gpt-4.1-2026-01-01")
    assert (explanation.student_id, explanation.seq) == (STUDENT, (0, 41))
    cited = {skill.skill: [claim.evidence for claim in skill.claims] for skill in explanation.skills}
    assert cited == {
        "resilience": [["resilience.1"], ["resilience.2"]],
        "empathy": [["empathy.1"]],
        "adaptability": [],
    }
    assert explanation.skills[0].score == 0.72
    assert explanation.generated_at == "2026-11-22T08:00:00.000Z"
    for message in (explanation, result):
        assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message
    assert (result.outcome, result.attempts, result.seq) == ("explained", 0, (0, 41))
    assert rig.grants == len(server.calls) == 1


async def test_real_use_is_settled_and_counted(server: LoopbackOpenAI, rig: Rig) -> None:
    await rig.explain()

    assert [event for event in rig.events if isinstance(event, Called)] == [
        Called("ok", "gpt-4.1-2026-01-01", 0.0, TokenUsage(700, 150), 700 * 2_000 + 150 * 8_000)
    ]
    balance = await rig.account.look()
    assert (balance.tokens, balance.sums[0].nano_usd) == (850, 2_600_000)


async def test_nothing_that_tells_who_the_student_is_leaves(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(ungrounded, failing(500))
    for _ in range(3):
        await rig.explain()

    traffic = b"".join(e.body + repr(e.headers).encode() + e.path.encode() for e in server.exchanges)
    for canary in (STUDENT, NAME, PHRASE.strip("~"), "hamster", "4711"):
        assert canary.encode() not in traffic
    assert len({json.dumps(facts_in(json.loads(call.body))) for call in server.calls}) == 1


async def test_requests_are_of_the_form_that_newer_models_accept(server: LoopbackOpenAI, rig: Rig) -> None:
    await rig.explain()

    asked = json.loads(server.calls[0].body)
    assert asked.keys() == {"model", "messages", "response_format", "store", "max_completion_tokens"}
    assert asked["store"] is False
    assert asked["response_format"]["json_schema"]["strict"] is True


async def test_a_throttled_call_holds_all_who_share_the_limit(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(throttled("7"))
    explanation, result = await rig.explain()

    assert explanation is None
    assert (result.outcome, result.attempts) == ("failed", 0)
    assert result.not_before_us == result.at_us + 7_000_000
    with pytest.raises(RateLimitExceeded) as held:
        await rig.explain()
    assert held.value.retry_after_s == pytest.approx(7)
    assert rig.grants == len(server.calls) == 1


async def test_a_throttled_call_without_a_time_waits_all_the_same(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(throttled(None))
    _, result = await rig.explain()
    assert result.not_before_us == result.at_us + 20_000_000


async def test_an_exhausted_quota_pauses_alerts_once_and_comes_back_with_one_probe(
    server: LoopbackOpenAI, rig: Rig
) -> None:
    server.plan(then=out_of_quota)
    _, result = await rig.explain()
    assert (result.outcome, result.attempts) == ("failed", 0)
    with pytest.raises(ReasoningPaused) as paused:
        await rig.explain()
    assert paused.value.retry_after_s == pytest.approx(900)

    rig.clock.advance(seconds=900)
    probes = await asyncio.gather(rig.explain(), rig.explain(), return_exceptions=True)
    assert [isinstance(probe, ReasoningPaused) for probe in probes] == [False, True]
    assert len(server.calls) == 2
    assert len(rig.alerts) == 1
    assert "credit" in rig.alerts[0]

    server.plan(then=good)
    rig.clock.advance(seconds=900)
    explanation, _ = await rig.explain()
    assert explanation is not None
    assert rig.explainer.paused_because is None


@pytest.mark.parametrize("status", [401, 403])
async def test_a_revoked_key_pauses_and_says_what_to_check(server: LoopbackOpenAI, rig: Rig, status: int) -> None:
    server.plan(then=failing(status, "invalid_api_key"))
    await rig.explain()
    assert "OPENAI_API_KEY" in rig.alerts[0]
    with pytest.raises(ReasoningPaused):
        await rig.explain()


@pytest.mark.parametrize("fault", [failing(500), failing(503), hanging], ids=["500", "503", "hang"])
async def test_an_absent_provider_is_asked_later_and_later_and_then_a_template_speaks(
    server: LoopbackOpenAI, fault: Answer
) -> None:
    server.plan(then=fault)
    waits_s = []
    async with Rig(server.url, read_timeout_s=0.5 if fault is hanging else PATIENT_S) as rig:
        for attempts in range(2):
            explanation, result = await rig.explain(attempts)
            assert explanation is None
            assert (result.outcome, result.attempts) == ("failed", attempts + 1)
            waits_s.append((result.not_before_us - result.at_us) / 1e6)
        explanation, result = await rig.explain(attempts=2)

    assert 5 <= waits_s[0] <= 10 <= waits_s[1] <= 20
    assert explanation is not None
    assert explanation.generator == "template"
    assert result.outcome == "explained"
    assert rig.grants == len(server.calls) == 3


async def test_a_server_that_cannot_be_reached_is_unavailable() -> None:
    async with LoopbackOpenAI() as server:
        url = server.url
    async with Rig(url) as rig:
        _, result = await rig.explain()
    assert result.outcome == "failed"
    assert rig.outcomes == ["later_unavailable"]


async def test_a_busy_servers_own_time_is_kept(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(failing(503, retry_after="120"))
    _, result = await rig.explain()
    assert result.not_before_us == result.at_us + 120_000_000


async def test_tries_again_are_a_bounded_share_of_all_calls(server: LoopbackOpenAI) -> None:
    settings = ExplainSettings(max_attempts=9, retry_ratio=0.25, retry_reserve=2)
    async with Rig(server.url, settings) as rig:
        server.plan(then=failing(500))
        first_calls = 8
        for _ in range(first_calls):
            await rig.explain()
        for _ in range(20):
            _, result = await rig.explain(attempts=1)
        assert len(server.calls) == first_calls + 2
        assert result.attempts == 1
        assert result.not_before_us > result.at_us + 250_000_000


async def test_a_spent_limit_is_the_callers_to_wait_for_and_costs_no_request(server: LoopbackOpenAI) -> None:
    async with Rig(server.url, calls=1) as rig:
        await rig.explain()
        with pytest.raises(RateLimitExceeded):
            await rig.explain()
    assert rig.grants == len(server.calls) == 1


async def test_no_request_is_sent_for_a_student_that_has_moved_away(server: LoopbackOpenAI, rig: Rig) -> None:
    with pytest.raises(NotWanted):
        await rig.explainer.explain(update(), Pending(), wanted=lambda: False)
    assert rig.grants == len(server.exchanges) == 0

    server.plan(then=ungrounded)
    with pytest.raises(NotWanted):
        await rig.explainer.explain(update(), Pending(), wanted=lambda: not server.calls)
    assert len(server.calls) == 1


async def test_no_request_follows_a_cancelled_one(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(hanging)
    call = asyncio.create_task(rig.explain())
    async with asyncio.timeout(60):
        while not server.calls:
            server.arrived.clear()
            await server.arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert rig.grants == len(server.calls) == 1
    assert rig.events == []


@pytest.mark.parametrize(
    ("answer", "outcome", "tokens"),
    [
        (good, "ok", 850),
        (throttled(), "throttled", 0),
        (out_of_quota, "blocked", 0),
        (failing(500), "unavailable", 0),
        (cut_off, "bad_reply", 850),
        (ungrounded, "bad_reply", 850),
        (refusing, "refused", 850),
    ],
)
async def test_every_call_is_told_with_its_outcome_and_what_it_used(
    server: LoopbackOpenAI, rig: Rig, answer: Answer, outcome: str, tokens: int
) -> None:
    server.plan(answer)
    await rig.explain()
    first = next(event for event in rig.events if isinstance(event, Called))
    assert (first.outcome, first.usage.total_tokens) == (outcome, tokens)

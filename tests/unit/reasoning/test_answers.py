"""What is asked about, and what becomes of an answer: what holds is published, the template tells the rest."""

import json

import msgspec
import pytest
from msgspec import UNSET

from schemas.update import SkillScore
from streams.limits import Bucket, MemoryLimiter
from streams.reasoning.policy.settings import LIMITER
from streams.rows.row import Pending
from tests.servers.openai import (
    Answer,
    LoopbackOpenAI,
    cut_off,
    facts_in,
    failing,
    no_completion,
    not_json,
    refusing,
    throttled,
    ungrounded,
)
from tests.unit.reasoning.rig import SETTINGS, Rig
from tests.unit.reasoning.samples import update


@pytest.mark.parametrize("fault", [ungrounded, not_json, cut_off, no_completion])
async def test_a_reply_that_fails_the_check_is_asked_for_once_more_with_the_reason(
    server: LoopbackOpenAI, rig: Rig, fault: Answer
) -> None:
    server.plan(fault)
    explanation, _ = await rig.explain()

    assert explanation is not None
    assert explanation.generator == "model"
    assert rig.grants == len(server.calls) == 2
    first, second = (json.loads(call.body)["messages"] for call in server.calls)
    assert second[: len(first)] == first
    assert "rejected" in second[-1]["content"]
    if fault is ungrounded:
        assert "9876" in second[-1]["content"]


async def test_of_a_skill_without_a_claim_that_holds_the_template_tells_and_of_the_others_the_model(
    server: LoopbackOpenAI, rig: Rig
) -> None:
    server.plan(then=ungrounded)
    explanation, result = await rig.explain()

    assert explanation is not None
    assert explanation.generator == "model"
    assert [skill.generator for skill in explanation.skills] == ["template", UNSET, UNSET]
    assert all(skill.claims for skill in explanation.skills[:2])
    assert "9876" not in repr(explanation)
    assert result.outcome == "explained"
    assert rig.grants == len(server.calls) == 2


async def test_the_model_is_asked_about_what_moved_alone_and_the_template_tells_the_rest_for_nothing(
    server: LoopbackOpenAI, rig: Rig
) -> None:
    explanation, result = await rig.explainer.explain(update(), Pending(), ["empathy", "adaptability"])

    assert explanation is not None
    [asked] = server.calls
    assert [skill["skill"] for skill in facts_in(json.loads(asked.body))["skills"]] == ["empathy"]
    assert {skill.skill: (skill.generator, bool(skill.claims)) for skill in explanation.skills} == {
        "resilience": ("template", True),
        "empathy": (UNSET, True),
        "adaptability": (UNSET, False),
    }
    assert result.explained is not None
    assert result.explained.keys() == {"empathy", "adaptability"}


async def test_a_score_of_which_too_little_is_known_is_not_asked_about(server: LoopbackOpenAI, rig: Rig) -> None:
    unknown = update().skills["resilience"]
    assert isinstance(unknown, SkillScore)
    unsure = update(resilience=msgspec.structs.replace(unknown, level="unknown"))
    explanation, _ = await rig.explainer.explain(unsure, Pending())

    assert explanation is not None
    assert (explanation.generator, explanation.reason) == ("template", "nothing_to_ask")
    assert explanation.skills[0].claims
    assert not server.calls


async def test_an_explanation_has_the_facts_that_its_claims_cite(server: LoopbackOpenAI, rig: Rig) -> None:
    explanation, _ = await rig.explain()

    assert explanation is not None
    for skill in explanation.skills:
        assert {fact.id for fact in skill.facts} == {cited for claim in skill.claims for cited in claim.evidence}
    assert [(fact.text, fact.time) for fact in explanation.skills[0].facts] == [
        ("passed a task on try 3", "2026-11-20T08:00:00.000Z"),
        ("did not pass a task, with a score of 60 %", "2026-11-22T07:00:00.000Z"),
    ]


@pytest.mark.parametrize("failure", [failing(500), throttled("7"), failing(401)])
async def test_what_holds_of_a_first_answer_is_not_lost_where_the_second_call_fails(
    server: LoopbackOpenAI, rig: Rig, failure: Answer
) -> None:
    server.plan(ungrounded, failure)
    explanation, result = await rig.explain()

    assert explanation is not None
    assert explanation.generator == "model"
    assert explanation.skills[1].claims
    assert result.outcome == "explained"


@pytest.mark.parametrize("fault", [not_json, cut_off, no_completion])
async def test_a_second_bad_reply_gives_way_to_the_template(server: LoopbackOpenAI, rig: Rig, fault: Answer) -> None:
    server.plan(then=fault)
    explanation, result = await rig.explain()

    assert explanation is not None
    assert explanation.generator == "template"
    assert all(skill.claims for skill in explanation.skills[:2])
    assert "9876" not in repr(explanation)
    assert result.outcome == "explained"
    assert rig.grants == len(server.calls) == 2


@pytest.mark.parametrize("fault", [refusing, failing(400, "invalid_request_error")], ids=["refusal", "400"])
async def test_a_refusal_is_not_argued_with(server: LoopbackOpenAI, rig: Rig, fault: Answer) -> None:
    server.plan(then=fault)
    explanation, _ = await rig.explain()
    assert explanation is not None
    assert explanation.generator == "template"
    assert rig.grants == len(server.calls) == 1


async def test_the_second_try_waits_for_a_grant_of_its_own(server: LoopbackOpenAI) -> None:
    async with Rig(server.url) as rig:
        slow = MemoryLimiter(
            LIMITER, [Bucket("calls", 10, 60, burst=1)], clock_us=rig.clock, observe=rig.decisions.append
        )
        await slow.fill()
        rig.registry.register(slow)
        server.plan(ungrounded)
        explanation, _ = await rig.explain()
        assert explanation is not None
        assert explanation.generator == "model"
        assert rig.slept_s == [pytest.approx(60.2 / 10, abs=1e-3)]
        assert rig.grants == len(server.calls) == 2


@pytest.mark.parametrize(("rivals", "generator", "grants"), [(3, "model", 2), (1_000, "template", 1)])
async def test_the_second_try_waits_on_where_others_take_its_grant_but_not_for_ever(
    server: LoopbackOpenAI, rivals: int, generator: str, grants: int
) -> None:
    async with Rig(server.url) as rig:
        narrow = MemoryLimiter(
            LIMITER, [Bucket("calls", 61, 60, burst=1)], clock_us=rig.clock, observe=rig.decisions.append
        )
        await narrow.fill()
        rig.registry.register(narrow)
        rig.rivals = rivals
        server.plan(not_json)
        explanation, _ = await rig.explain()

    assert explanation is not None
    assert explanation.generator == generator
    assert rig.grants == len(server.calls) == grants
    assert sum(rig.slept_s) <= SETTINGS.second_grant_wait_s


async def test_an_update_without_evidence_costs_no_request(server: LoopbackOpenAI, rig: Rig) -> None:
    bare = update(resilience=update().skills["adaptability"])
    explanation, result = await rig.explainer.explain(bare, Pending())
    assert explanation is not None
    assert explanation.generator == "template"
    assert result.outcome == "explained"
    assert rig.grants == len(server.exchanges) == 0

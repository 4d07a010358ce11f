"""One contract for every ReasoningModel: the scripted one, and OpenAI's against a loopback server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from streams.reasoning.check.grounding import check_claims
from streams.reasoning.model.openai_model import OpenAIModel
from streams.reasoning.model.reasoning_model import ReasoningModel
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.request.prompt import Request
from tests.servers.openai import LoopbackOpenAI
from tests.unit.limits.clock import ManualClock
from tests.unit.reasoning.rig import START_US, openai_settings
from tests.unit.reasoning.samples import evidence, prompt, scored, update

REQUEST = prompt().question(update()).request


@pytest.fixture(params=["scripted", "openai"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[ReasoningModel]:
    if request.param == "scripted":
        yield ScriptedModel()
        return
    async with LoopbackOpenAI() as server:
        model = OpenAIModel(openai_settings(server.url), ManualClock(START_US))
        yield model
        await model.aclose()


def other_request() -> Request:
    only = update(empathy=scored(items=(evidence("helped", 1.0),)))
    return prompt().question(only).request


async def test_the_reply_is_grounded_in_the_request(model: ReasoningModel) -> None:
    await model.prepare()
    assert check_claims(REQUEST, (await model.explain(REQUEST)).draft).faults == ()


async def test_it_works_without_being_prepared(model: ReasoningModel) -> None:
    assert (await model.explain(REQUEST)).draft.skills


async def test_it_says_who_it_is_and_what_it_used(model: ReasoningModel) -> None:
    await model.prepare()
    reply = await model.explain(REQUEST)
    assert reply.model.startswith(model.name)
    assert model.generator in ("model", "scripted")
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens >= 0


async def test_calls_side_by_side_are_not_mixed_up(model: ReasoningModel) -> None:
    requests = [REQUEST, other_request()] * 4
    replies = await asyncio.gather(*(model.explain(request) for request in requests))
    for request, reply in zip(requests, replies, strict=True):
        assert check_claims(request, reply.draft).faults == ()


async def test_a_rejected_first_answer_can_be_answered_again(model: ReasoningModel) -> None:
    again = REQUEST.after(("resilience, claim 1: cites no fact",), ("resilience",))
    checked = check_claims(again, (await model.explain(again)).draft)
    assert checked.faults == ()
    assert [drafted.skill for drafted in checked.draft.skills] == ["resilience"]


async def test_closing_twice_is_closing_once(model: ReasoningModel) -> None:
    await model.explain(REQUEST)
    await model.aclose()
    await model.aclose()

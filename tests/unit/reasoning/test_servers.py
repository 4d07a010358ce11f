"""How servers that speak OpenAI's protocol differ, and what comes of it: the table in docs/explanations.md."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from streams.reasoning.model.openai_model import OpenAIModel
from streams.reasoning.model.reasoning_model import ModelBlocked
from streams.reasoning.policy.breaker import ReasoningPaused
from tests.servers.openai import Answer, LoopbackOpenAI, completion, denied, failing, good
from tests.unit.reasoning.rig import Rig, openai_settings


def refusing_of(body: dict[str, Any], status: int, refused: Callable[[dict[str, Any]], bool]) -> Answer:
    """The answer `body` to requests that are `refused`, a good one to others."""
    return lambda asked: web.json_response(body, status=status) if refused(asked) else good(asked)


def has_store(asked: dict[str, Any]) -> bool:
    return "store" in asked


def has_schema(asked: dict[str, Any]) -> bool:
    return bool(asked.get("response_format", {}).get("type") == "json_schema")


def has_format(asked: dict[str, Any]) -> bool:
    return "response_format" in asked


GROQ = {"error": {"message": "property 'store' is unsupported", "type": "invalid_request_error"}}
MISTRAL = {
    "object": "error",
    "message": {
        "detail": [{"type": "extra_forbidden", "loc": ["body", "store"], "msg": "Extra inputs are not permitted"}]
    },
    "type": "invalid_request_error",
}
FASTAPI = {"detail": [{"type": "extra_forbidden", "loc": ["body", "store"], "msg": "Extra inputs are not permitted"}]}
CEREBRAS = {
    "message": "body.store: property 'body.store' is unsupported",
    "type": "invalid_request_error",
    "param": "store",
    "code": "wrong_api_format",
}
GEMINI = [{"error": {"code": 400, "message": 'Unknown name "store": Cannot find field.', "status": "INVALID_ARGUMENT"}}]
DEEPSEEK = {"error": {"message": "This response_format type is unavailable now", "type": "invalid_request_error"}}

PARTICULAR: dict[str, tuple[Answer, int]] = {
    "Groq: store": (refusing_of(GROQ, 400, has_store), 2),
    "Mistral: store": (refusing_of(MISTRAL, 422, has_store), 2),
    "FastAPI: store": (refusing_of(FASTAPI, 422, has_store), 2),
    "Cerebras: store": (refusing_of(CEREBRAS, 400, has_store), 2),
    "Gemini: store": (lambda asked: web.json_response(GEMINI, status=400) if has_store(asked) else good(asked), 2),
    "a gateway: store, with status 200": (refusing_of({"error": {**GROQ["error"], "code": 400}}, 200, has_store), 2),
    "DeepSeek: schemas": (refusing_of(DEEPSEEK, 400, has_schema), 2),
    "no form of the reply at all": (refusing_of(DEEPSEEK, 400, has_format), 3),
    "both": (
        lambda asked: (
            web.json_response(GROQ, status=400)
            if has_store(asked)
            else web.json_response(DEEPSEEK, status=400)
            if has_format(asked)
            else good(asked)
        ),
        4,
    ),
}


@pytest.mark.parametrize("server_of", PARTICULAR)
async def test_a_parameter_that_is_refused_by_name_is_left_out_from_then_on(
    server: LoopbackOpenAI, rig: Rig, server_of: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer, calls = PARTICULAR[server_of]
    server.plan(then=answer)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            explanation, result = await rig.explain()
            assert explanation is not None
            assert (explanation.generator, explanation.reason, result.attempts) == ("model", None, 0)

    assert rig.grants == len(server.calls) == calls + 2
    assert caplog.text.count("is left out from now on") == calls - 1
    assert rig.explainer.trouble is None


async def test_a_reply_without_a_schema_is_asked_for_in_words_and_read_in_a_fence(
    server: LoopbackOpenAI, rig: Rig
) -> None:
    def fenced(asked: dict[str, Any]) -> web.Response:
        if has_format(asked):
            return web.json_response(DEEPSEEK, status=400)
        body = good(asked).body
        assert isinstance(body, bytes)
        content = json.loads(body)["choices"][0]["message"]["content"]
        return completion(asked, f"```json\n{content}\n```")

    server.plan(then=fenced)
    explanation, _ = await rig.explain()
    assert explanation is not None
    assert explanation.generator == "model"
    first, *_, last = (json.loads(call.body) for call in server.calls)
    assert "of this schema" not in first["messages"][0]["content"]
    assert '"evidence"' in last["messages"][0]["content"]


CREDIT = {
    "DeepSeek": (
        402,
        {"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request"}},
    ),
    "OpenRouter, status 200": (200, {"error": {"code": 402, "message": "more credits"}}),
    "OpenAI": (429, {"error": {"message": "quota", "type": "insufficient_quota", "code": "insufficient_quota"}}),
    "a gateway, status 200": (200, {"error": {"message": "quota", "code": "insufficient_quota"}}),
    "by its words": (403, {"error": {"message": "Insufficient credits"}}),
}


@pytest.mark.parametrize("kind", CREDIT)
async def test_spent_credit_pauses_and_alerts_once(server: LoopbackOpenAI, rig: Rig, kind: str) -> None:
    status, body = CREDIT[kind]
    server.plan(then=lambda asked: web.json_response(body, status=status))
    explanation, result = await rig.explain()
    assert explanation is None
    assert (result.outcome, result.attempts) == ("failed", 0)
    with pytest.raises(ReasoningPaused):
        await rig.explain()
    [alert] = rig.alerts
    assert "credit" in alert
    assert rig.explainer.trouble == alert


REPORTED_WITH_200: dict[str, tuple[object, str, int]] = {
    "a code of 429": ({"error": {"code": 429, "message": "slow down"}}, "later_throttled", 0),
    "a name of 429": ({"error": {"code": "rate_limit_exceeded"}}, "later_throttled", 0),
    "a code of 502": ({"error": {"code": 502, "message": "bad gateway"}}, "later_unavailable", 1),
    "a bare text": ({"error": "overloaded"}, "later_unavailable", 1),
    "a code of 401": ({"error": {"code": 401}}, "later_blocked", 0),
    "in the choice": ({"choices": [{"error": {"code": 429}, "finish_reason": "error"}]}, "later_throttled", 0),
    "empty choices beside it": ({"error": {"code": 503}, "choices": []}, "later_unavailable", 1),
    "null choices beside it": ({"error": {"code": 503}, "choices": None}, "later_unavailable", 1),
}


@pytest.mark.parametrize("kind", REPORTED_WITH_200)
async def test_an_error_with_status_200_is_the_error_that_it_says(server: LoopbackOpenAI, rig: Rig, kind: str) -> None:
    body, outcome, attempts = REPORTED_WITH_200[kind]
    server.plan(then=lambda asked: web.json_response(body))
    _, result = await rig.explain()
    assert (rig.outcomes, result.attempts) == ([outcome], attempts)
    assert len(server.calls) == 1


async def test_an_error_of_null_beside_a_good_answer_is_none(server: LoopbackOpenAI, rig: Rig) -> None:
    def answer(asked: dict[str, Any]) -> web.Response:
        body = good(asked).body
        assert isinstance(body, bytes)
        return web.json_response({"error": None, **json.loads(body)})

    server.plan(then=answer)
    explanation, _ = await rig.explain()
    assert explanation is not None
    assert explanation.generator == "model"


FILTER = {"error": {"code": "content_filter", "message": "The response was filtered", "status": 400}}
REFUSALS: dict[str, Answer] = {
    "Azure: a choice without a message": lambda _: web.json_response(
        {"choices": [{"finish_reason": "content_filter"}]}
    ),
    "a message of null": lambda _: web.json_response({"choices": [{"finish_reason": "stop", "message": None}]}),
    "half an answer, filtered": lambda asked: completion(asked, '{"skills', finish_reason="content_filter"),
    "a finish called refusal": lambda asked: completion(asked, None, finish_reason="refusal"),
    "a refusal in words": lambda asked: completion(asked, None, refusal="I can't help with that."),
    "Azure: the request is filtered": lambda _: web.json_response(FILTER, status=400),
    "too long a request": failing(400, "context_length_exceeded"),
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refusal_is_a_template_that_says_so_and_is_not_asked_twice(
    server: LoopbackOpenAI, rig: Rig, kind: str
) -> None:
    server.plan(then=REFUSALS[kind])
    for number in range(8):
        explanation, result = await rig.explain()
        assert explanation is not None
        assert (explanation.generator, explanation.reason) == ("template", "refused")
        assert result.outcome == "explained"
        assert len(server.calls) == number + 1
    assert rig.alerts == []
    assert rig.explainer.trouble is not None


async def test_a_server_that_refuses_every_request_is_blocked_loudly_and_not_asked_for_each_student(
    server: LoopbackOpenAI, rig: Rig
) -> None:
    server.plan(then=failing(400, "invalid_request_error"))
    for _ in range(5):
        explanation, _ = await rig.explain()
        assert explanation is not None
        assert explanation.reason == "refused"
    with pytest.raises(ReasoningPaused):
        await rig.explain()
    [alert] = rig.alerts
    assert "400 (invalid_request_error)" in alert

    rig.clock.advance(seconds=900)
    await rig.explain()
    with pytest.raises(ReasoningPaused):
        await rig.explain()
    assert (len(server.calls), len(rig.alerts)) == (6, 1)

    server.plan(then=good)
    rig.clock.advance(seconds=900)
    explanation, _ = await rig.explain()
    assert explanation is not None
    assert explanation.generator == "model"
    assert rig.explainer.trouble is None


async def test_openai_is_always_told_not_to_store() -> None:
    from streams.reasoning.model.error_body import ReportedError
    from streams.reasoning.model.request_form import RequestForm

    noted = ReportedError.of(400, GROQ["error"])
    assert RequestForm().refused_by(noted, by_openai=True) is None
    refused = RequestForm().refused_by(noted, by_openai=False)
    assert refused is not None
    assert refused[1].parameters(9).keys() == {"response_format", "max_completion_tokens"}


@pytest.mark.parametrize(
    ("fault", "after"), [(failing(500), 2), (failing(429), 3), (lambda _: web.json_response({"choices": []}), 3)]
)
async def test_a_provider_that_gives_nothing_is_trouble_after_two_or_three_calls_and_told_once(
    server: LoopbackOpenAI, rig: Rig, fault: Answer, after: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.plan(then=fault)
    for calls in range(6):
        assert (rig.explainer.trouble is not None) == (calls >= after)
        await rig.explain()
        rig.clock.advance(seconds=3_600)
    assert caplog.text.count("No explanations for now") == 1

    server.plan(then=good)
    with caplog.at_level(logging.INFO):
        await rig.explain()
    assert rig.explainer.trouble is None
    assert caplog.text.count("Explanations are made again") == 1


async def test_a_refused_key_is_told_at_the_start_as_what_a_person_must_see_to(server: LoopbackOpenAI) -> None:
    server.listing = denied(401, "invalid_api_key")
    model = OpenAIModel(openai_settings(server.url), lambda: 0)
    with pytest.raises(ModelBlocked, match="OPENAI_API_KEY"):
        await model.prepare()
    await model.aclose()

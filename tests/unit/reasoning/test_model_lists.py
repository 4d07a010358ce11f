"""What servers list as their models, and what comes of it: the table in docs/explanations.md."""

import json
from collections.abc import Callable

import pytest
from aiohttp import web

from streams.reasoning.model.reasoning_model import ModelError
from streams.reasoning.policy.breaker import ReasoningPaused
from tests.servers.openai import LoopbackOpenAI, denied, failing, listing
from tests.unit.reasoning.rig import Rig

MISSING_SCOPES = "You have insufficient permissions for this operation. Missing scopes: api.model.read."


LISTS: dict[str, tuple[Callable[[], web.Response], str, str]] = {
    "an object": (listing({"data": [{"id": "gpt-6-luna"}]}), "gpt-4.1,gpt-6-luna", "gpt-6-luna"),
    "Together: a bare array": (listing([{"id": "gpt-6-luna"}]), "gpt-4.1,gpt-6-luna", "gpt-6-luna"),
    "Ollama: with a tag": (listing({"data": [{"id": "llama3.2:latest"}]}), "mistral,llama3.2", "llama3.2"),
    "Gemini: with a prefix": (listing({"data": [{"id": "models/gemini-3"}]}), "mistral,gemini-3", "gemini-3"),
    "LiteLLM: patterns": (listing({"data": [{"id": "openai/*"}]}), "mistral,openai/gpt-4.1", "openai/gpt-4.1"),
    "Azure: base models, not deployments": (listing({"data": [{"id": "gpt-4.1"}]}), "my-deployment", "my-deployment"),
    "none of ours": (listing({"data": [{"id": "llama3.2:latest"}]}), "gpt-4.1", "gpt-4.1"),
    "an empty list": (listing({"data": []}), "gpt-4.1", "gpt-4.1"),
    "no list": (listing({"data": None}), "gpt-4.1", "gpt-4.1"),
    "a list of what not": (listing({"data": [7, None, {"id": 7}, {}]}), "gpt-4.1", "gpt-4.1"),
    "HTML": (lambda: web.Response(text="<html>", content_type="text/html"), "gpt-4.1", "gpt-4.1"),
    "nested 100,000 deep": (lambda: web.Response(text="[" * 100_000), "gpt-4.1", "gpt-4.1"),
    "more than is read": (lambda: web.Response(body=b" " * (2**22 + 1)), "gpt-4.1", "gpt-4.1"),
    "403, the key may not list": (denied(403, "missing_scope", MISSING_SCOPES), "gpt-4.1", "gpt-4.1"),
    "401, the key may not list": (denied(401, "missing_scope", MISSING_SCOPES), "gpt-4.1", "gpt-4.1"),
    "404": (denied(404, "not_found"), "gpt-4.1", "gpt-4.1"),
    "405": (denied(405, "not_allowed"), "gpt-4.1", "gpt-4.1"),
    "501": (denied(501, "not_implemented"), "gpt-4.1", "gpt-4.1"),
}


@pytest.mark.parametrize("kind", LISTS)
async def test_a_list_of_whatever_form_is_no_reason_not_to_ask(server: LoopbackOpenAI, kind: str) -> None:
    server.listing, wanted, asked = LISTS[kind]
    async with Rig(server.url, models=tuple(wanted.split(","))) as rig:
        assert await rig.explainer.prepare() is None
        assert rig.explainer.trouble is None
        explanation, _ = await rig.explain()
    assert explanation is not None
    assert explanation.generator == "model"
    assert [json.loads(call.body)["model"] for call in server.calls] == [asked]


FAILING_LISTS: dict[str, Callable[[], web.Response]] = {
    "401": denied(401, "invalid_api_key"),
    "429": denied(429, "rate_limit_exceeded"),
    "429, no quota": denied(429, "insufficient_quota"),
    "402": denied(402, "insufficient_balance"),
    "500": denied(500, "server_error"),
    "503": denied(503, "overloaded"),
    "302": lambda: web.Response(status=302, headers={"Location": "https://example.org/"}),
}


@pytest.mark.parametrize("status", FAILING_LISTS)
async def test_a_list_that_fails_is_told_once_and_the_first_call_shows_what_is_true(
    server: LoopbackOpenAI, rig: Rig, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.listing = FAILING_LISTS[status]
    for _ in range(3):
        failure = await rig.explainer.prepare()
        assert isinstance(failure, ModelError)
    assert rig.explainer.trouble == str(failure)
    assert caplog.text.count("No explanations for now") + len(rig.alerts) == 1

    explanation, _ = await rig.explain()
    assert explanation is not None
    assert explanation.generator == "model"
    assert rig.explainer.trouble is None


@pytest.mark.parametrize("status", FAILING_LISTS)
async def test_a_list_that_works_again_ends_the_trouble(server: LoopbackOpenAI, rig: Rig, status: str) -> None:
    server.listing = FAILING_LISTS[status]
    assert await rig.explainer.prepare() is not None
    server.listing = None
    assert await rig.explainer.prepare() is None
    assert rig.explainer.trouble is None


async def test_a_list_that_works_says_nothing_of_credit_that_is_spent(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(then=failing(402, "insufficient_balance"))
    await rig.explain()
    assert await rig.explainer.prepare() is None
    assert "credit" in (rig.explainer.trouble or "")


NOT_SERVED: dict[str, tuple[int, object]] = {
    "OpenAI": (404, {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}),
    "OpenAI, of a project": (403, {"error": {"message": "Project has no access", "code": "model_not_found"}}),
    "Ollama": (404, {"error": {"message": 'model "x" not found, try pulling it first', "type": "api_error"}}),
    "Ollama, a bare text": (404, {"error": "model 'x' not found"}),
    "Mistral": (400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}),
    "OpenRouter": (400, {"error": {"message": "x is not a valid model ID", "code": 400}}),
    "OpenRouter, status 200": (200, {"error": {"message": "x is not a valid model ID", "code": 400}}),
    "Azure": (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}),
    "no words": (404, {}),
}


@pytest.mark.parametrize("kind", NOT_SERVED)
async def test_a_model_that_is_not_served_gives_way_and_the_message_says_what_is(
    server: LoopbackOpenAI, rig: Rig, kind: str
) -> None:
    status, body = NOT_SERVED[kind]
    server.listing = listing({"data": [{"id": "llama3.2:latest"}, {"id": "with a blank"}]})
    server.plan(then=lambda asked: web.json_response(body, status=status))
    for attempts in range(3):
        _, result = await rig.explain(attempts % 2)
        assert result.outcome == "failed"

    assert [json.loads(call.body)["model"] for call in server.calls] == ["gpt-4.1", "gpt-6-luna"]
    [alert] = rig.alerts
    assert "it lists llama3.2:latest and 1 more" in alert
    assert "SKILLSTREAM_OPENAI_MODELS" in alert
    with pytest.raises(ReasoningPaused):
        await rig.explain()

"""Which model is asked, and with what key."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from schemas.errors import Fatal
from streams.reasoning.model.openai_model import OpenAIModel, OpenAISettings
from streams.reasoning.model.reasoning_model import ModelBlocked, ModelUnavailable
from tests.servers.openai import LoopbackOpenAI, failing, hanging
from tests.unit.limits.clock import ManualClock
from tests.unit.reasoning.rig import START_US, openai_settings
from tests.unit.reasoning.samples import prompt, update

REQUEST = prompt().question(update()).request
DAY_S = 86_400


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_US)


@pytest.mark.parametrize("key", ["", "  "])
def test_an_empty_key_is_refused_with_what_to_do(key: str) -> None:
    with pytest.raises(Fatal, match=r"OPENAI_API_KEY.*SKILLSTREAM_REASONING=scripted"):
        OpenAISettings(api_key=key, models=("gpt-4.1",))


def test_an_empty_list_of_models_is_refused() -> None:
    with pytest.raises(Fatal, match="SKILLSTREAM_OPENAI_MODELS"):
        OpenAISettings(api_key="sk-1", models=())


def test_the_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(OpenAISettings(api_key="sk-secret", models=("gpt-4.1",)))


@pytest.mark.parametrize(
    ("served", "chosen"),
    [
        ({"gpt-4.1": None, "gpt-6-luna": None}, "gpt-4.1"),
        ({"gpt-6-luna": None, "other": None}, "gpt-6-luna"),
        ({"gpt-4.1": "2026-11-21", "gpt-6-luna": None}, "gpt-6-luna"),
        ({"gpt-4.1": "2026-11-22", "gpt-6-luna": None}, "gpt-6-luna"),
        ({"gpt-4.1": "2026-11-23", "gpt-6-luna": None}, "gpt-4.1"),
        ({"gpt-4.1": "soon"}, "gpt-4.1"),
    ],
)
async def test_the_first_model_that_is_served_and_not_shut_down_is_asked(
    server: LoopbackOpenAI, clock: ManualClock, served: dict[str, str | None], chosen: str
) -> None:
    server.served = served
    model = OpenAIModel(openai_settings(server.url), clock)
    await model.prepare()
    assert (await model.explain(REQUEST)).model == f"{chosen}-2026-01-01"
    assert model.name == chosen
    await model.aclose()


async def test_what_is_served_is_asked_daily(server: LoopbackOpenAI, clock: ManualClock) -> None:
    server.served = {"gpt-4.1": "2026-11-24", "gpt-6-luna": None}
    model = OpenAIModel(openai_settings(server.url), clock)
    await model.prepare()
    asked = []
    for _ in range(3):
        await model.explain(REQUEST)
        asked.append(model.name)
        clock.advance(seconds=DAY_S)
    assert asked == ["gpt-4.1", "gpt-4.1", "gpt-6-luna"]
    assert len(server.exchanges) - len(server.calls) == 3
    await model.aclose()


async def test_a_server_without_a_list_is_asked_for_the_first_with_a_warning(
    server: LoopbackOpenAI, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    server.served = None
    model = OpenAIModel(openai_settings(server.url), clock)
    with caplog.at_level(logging.WARNING):
        await model.prepare()
    assert model.name == "gpt-4.1"
    assert "does not list its models" in caplog.text
    await model.aclose()


async def test_openai_serves_what_it_lists_and_nothing_else(clock: ManualClock) -> None:
    async def listed() -> AsyncIterator[bytes]:
        yield b'{"data": [{"id": "something-else"}]}'

    network = httpx2.MockTransport(lambda _request: httpx2.Response(200, content=listed()))
    model = OpenAIModel(OpenAISettings(api_key="sk-1", models=("gpt-4.1", "gpt-6-luna")), clock, network)
    with pytest.raises(ModelBlocked, match=r"gpt-4\.1, gpt-6-luna \(it lists something-else\).*name others"):
        await model.prepare()
    await model.aclose()


@pytest.mark.parametrize(
    ("url", "is_openai"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://api.openai.com.example.org/v1", False),
        ("https://user:api.openai.com@example.org/v1", False),
        ("http://127.0.0.1:11434/v1", False),
    ],
)
def test_whose_server_it_is_goes_by_its_host(url: str, is_openai: bool) -> None:
    assert OpenAISettings(api_key="sk-1", models=("gpt-4.1",), base_url=url).is_openai is is_openai


def test_a_servers_address_is_told_without_its_password() -> None:
    settings = OpenAISettings(
        api_key="sk-1", models=("gpt-4.1",), base_url="https://me:hush@example.org:8443/v1?key=hush"
    )
    assert settings.address == "https://example.org:8443/v1"


async def test_a_server_that_is_unavailable_at_the_start_may_come_later(clock: ManualClock) -> None:
    async with LoopbackOpenAI() as server:
        url = server.url
    model = OpenAIModel(openai_settings(url), clock)
    with pytest.raises(ModelUnavailable):
        await model.prepare()
    await model.aclose()


async def test_the_whole_call_has_a_deadline_of_its_own(server: LoopbackOpenAI, clock: ManualClock) -> None:
    patient = replace(openai_settings(server.url), read_timeout_s=60.0, total_timeout_s=0.3)
    model = OpenAIModel(patient, clock)
    server.plan(hanging)
    with pytest.raises(ModelUnavailable, match="in time"):
        await model.explain(REQUEST)
    assert len(server.calls) == 1
    await model.aclose()


async def test_a_look_at_what_is_served_that_fails_keeps_the_model(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with LoopbackOpenAI() as server:
        model = OpenAIModel(openai_settings(server.url), clock)
        await model.prepare()
    clock.advance(seconds=DAY_S)
    with pytest.raises(ModelUnavailable), caplog.at_level(logging.WARNING):
        await model.explain(REQUEST)
    assert model.name == "gpt-4.1"
    assert "staying with model gpt-4.1" in caplog.text
    await model.aclose()


async def test_a_model_that_is_withdrawn_while_running_gives_way_to_the_next(
    server: LoopbackOpenAI, clock: ManualClock
) -> None:
    server.served = None
    model = OpenAIModel(openai_settings(server.url), clock)
    await model.prepare()
    server.plan(failing(404, "model_not_found"))
    with pytest.raises(ModelUnavailable):
        await model.explain(REQUEST)
    assert (await model.explain(REQUEST)).model == "gpt-6-luna-2026-01-01"

    server.plan(failing(404, "model_not_found"))
    with pytest.raises(ModelUnavailable):
        await model.explain(REQUEST)
    with pytest.raises(ModelBlocked, match="SKILLSTREAM_OPENAI_MODELS"):
        await model.explain(REQUEST)
    await model.aclose()

"""What may come of a call, one fault after another; docs/explanations.md has the same table."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from tests.servers.openai import (
    Answer,
    LoopbackOpenAI,
    completion,
    cut_off,
    failing,
    good,
    hanging,
    not_json,
    of_bytes,
    out_of_quota,
    refusing,
    throttled,
)
from tests.unit.reasoning.rig import PATIENT_S, Rig

PAGE: Final = Path(__file__).parents[3] / "docs/explanations.md"


def text_of(asked: dict[str, Any]) -> str:
    """What a good answer says."""
    body = good(asked).body
    assert isinstance(body, bytes)
    content: str = json.loads(body)["choices"][0]["message"]["content"]
    return content


def with_field(**fields: Any) -> Answer:
    """A good answer, but for these fields."""

    def answer(asked: dict[str, Any]) -> web.Response:
        body = good(asked).body
        assert isinstance(body, bytes)
        return web.json_response({**json.loads(body), **fields})

    return answer


def dripping(_asked: dict[str, Any]) -> web.Response:
    """A byte now and then: no pause is long enough to end it."""

    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    return web.Response(body=drops())


def reset(_asked: dict[str, Any]) -> web.Response:
    """The connection breaks in the middle of the answer."""

    async def torn() -> AsyncIterator[bytes]:
        yield b'{"id": '
        raise ConnectionResetError

    return web.Response(body=torn())


FAULTS: Final[dict[str, tuple[Answer, str, int]]] = {
    "no answer (hang)": (hanging, "later_unavailable", 1),
    "an answer without end (drip)": (dripping, "later_unavailable", 1),
    "the connection is reset": (reset, "later_unavailable", 1),
    "429 with a time": (throttled("2"), "later_throttled", 1),
    "429 without a time": (throttled(None), "later_throttled", 1),
    "429, credit spent": (out_of_quota, "later_blocked", 1),
    "401": (failing(401, "invalid_api_key"), "later_blocked", 1),
    "401, the key has expired": (failing(401, "expired_api_key"), "later_blocked", 1),
    "403": (failing(403, "forbidden"), "later_blocked", 1),
    "402": (failing(402, "payment_required"), "later_blocked", 1),
    "400": (failing(400, "invalid_request_error"), "template_refused", 1),
    "500": (failing(500), "later_unavailable", 1),
    "503 with a time": (failing(503, retry_after="7"), "later_unavailable", 1),
    "HTML with 200": (of_bytes(b"<html>Welcome</html>", content_type="text/html"), "template_rejected", 2),
    "HTML with 502": (of_bytes(b"<html>Bad gateway</html>", 502, content_type="text/html"), "later_unavailable", 1),
    "gzip that is none": (of_bytes(b"no gzip", content_encoding="gzip"), "later_unavailable", 1),
    "JSON that is none": (not_json, "template_rejected", 2),
    "JSON in a Markdown fence": (lambda asked: completion(asked, f"```json\n{text_of(asked)}\n```"), "explained", 1),
    "cut off at the cap (`length`)": (cut_off, "template_rejected", 2),
    "no text": (lambda asked: completion(asked, ""), "template_rejected", 2),
    "no choices": (with_field(choices=[]), "template_rejected", 2),
    "a refusal": (refusing, "template_refused", 1),
    "a content filter": (
        lambda asked: completion(asked, None, finish_reason="content_filter"),
        "template_refused",
        1,
    ),
    "`model` null": (with_field(model=None), "explained", 1),
    "`usage` null": (with_field(usage=None), "explained", 1),
    "another model than asked": (with_field(model="gpt-9-surprise"), "explained", 1),
}

SHORT: Final = {
    "no answer (hang)": (0.3, PATIENT_S),
    "an answer without end (drip)": (PATIENT_S, 1.5),
}
"""To read and in all: deadlines of the faults that are over by a deadline alone."""


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_has_its_outcome(server: LoopbackOpenAI, fault: str) -> None:
    answer, outcome, calls = FAULTS[fault]
    read_s, total_s = SHORT.get(fault, (PATIENT_S, PATIENT_S))
    async with Rig(server.url, read_timeout_s=read_s, total_timeout_s=total_s) as rig:
        server.plan(then=answer)
        explanation, result = await rig.explain()

    assert rig.outcomes == [outcome]
    assert len(server.calls) == len(rig.calls) == calls
    if outcome == "explained":
        assert explanation is not None
        assert explanation.generator == "model"
    elif outcome.startswith("template"):
        assert explanation is not None
        assert (explanation.generator, explanation.reason) == ("template", outcome.removeprefix("template_"))
    else:
        assert explanation is None
        assert result.not_before_us > result.at_us
    assert (rig.explainer.paused_because is not None) == (outcome == "later_blocked")


def test_the_page_has_the_same_table() -> None:
    rows = re.findall(r"^\| (.+?) \| `(\w+)` \| (\d) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: (outcome, int(calls)) for name, outcome, calls in rows} == {
        name: (outcome, calls) for name, (_, outcome, calls) in FAULTS.items()
    }

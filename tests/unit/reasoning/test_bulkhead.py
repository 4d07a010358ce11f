"""Whatever a reply causes is a failed attempt of that explanation, and nothing more."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from tests.servers.openai import Answer, LoopbackOpenAI, endless, good, of_bytes
from tests.unit.reasoning.rig import Rig


def changed(change: Callable[[dict[str, Any]], None]) -> Answer:
    """A good answer, changed."""

    def answer(asked: dict[str, Any]) -> web.Response:
        response = good(asked)
        assert isinstance(response.body, bytes)
        document = json.loads(response.body)
        change(document)
        return web.json_response(document)

    return answer


DEEP = b"[" * 1_000 + b"]" * 1_000
FAULTY: dict[str, Answer] = {
    "nested 1,000 deep": of_bytes(b'{"choices":[],"x":' + DEEP + b"}"),
    "nested 100,000 deep": of_bytes(b"[" * 100_000),
    "an error nested 1,000 deep": of_bytes(b'{"error":{"x":' + DEEP + b"}}", 400),
    "an error whose type is an object": of_bytes(b'{"error":{"message":"boom","code":["a"],"type":{"x":1}}}', 429),
    "an error that is a list": of_bytes(b'[{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}]', 400),
    "a charset that is none": of_bytes(b"{}", 500, Content_Type="application/json; charset=rot13"),
    "a mark of bytes that is not UTF-8": of_bytes(b"\xff\xfe\x00\xd8"),
    "no status that is known": of_bytes(b"{}", 799),
    "a number of 10,000 digits": of_bytes(b'{"choices":' + b"9" * 10_000 + b"}"),
    "a claim that is a number of 100,000 digits": changed(
        lambda reply: reply["choices"][0]["message"].update(
            content=json.dumps(
                {
                    "skills": [
                        {
                            "skill": "resilience",
                            "claims": [{"text": "9" * 100_000, "evidence": ["e1"], "direction": "up"}],
                        }
                    ]
                }
            )
        )
    ),
    "half a surrogate pair": of_bytes(b'{"choices":[{"message":{"content":"\\ud800"}}],"model":"\\udfff"}'),
    "a date of no calendar": of_bytes(b"{}", 503, Retry_After="Mon, 99 Foo 99999 99:99:99 +9999999"),
    "compressed with what was not asked for": of_bytes(b"\x00\x01", Content_Encoding="br"),
    "gzip that is cut off": of_bytes(gzip.compress(b'{"choices":[]}' * 9)[:-9], Content_Encoding="gzip"),
    "not gzip": of_bytes(b"{}", Content_Encoding="gzip"),
}


@pytest.mark.parametrize("fault", FAULTY)
async def test_whatever_a_reply_is_it_costs_one_attempt_or_ends_in_a_template(
    server: LoopbackOpenAI, rig: Rig, fault: str
) -> None:
    server.plan(then=FAULTY[fault])
    explanation, result = await rig.explain()

    if explanation is None:
        assert result.outcome == "failed"
        assert result.attempts <= 1
    else:
        assert explanation.generator == "template"
        assert result.outcome == "explained"
    assert len(server.calls) <= 2


USAGES: dict[str, Any] = {
    "negative": {"prompt_tokens": -1, "completion_tokens": 5},
    "beyond 64 bits": {"prompt_tokens": 2**70, "completion_tokens": 5},
    "more than any model reads": {"prompt_tokens": 10**12, "completion_tokens": 5},
    "a fraction": {"prompt_tokens": 1.5, "completion_tokens": 5},
    "null": {"prompt_tokens": None, "completion_tokens": None},
    "a text": "700",
    "missing": {},
}


@pytest.mark.parametrize("usage", USAGES)
async def test_a_use_that_cannot_be_is_taken_for_unknown(server: LoopbackOpenAI, rig: Rig, usage: str) -> None:
    server.plan(then=changed(lambda reply: reply.update(usage=USAGES[usage])))
    explanation, result = await rig.explain()

    assert explanation is not None
    assert explanation.generator == "model"
    assert result.outcome == "explained"


ODD_MODELS: dict[str, Any] = {"a number": 7, "null": None, "too long": "m" * 10_000, "of two lines": "a\nb"}


@pytest.mark.parametrize("name", ODD_MODELS)
async def test_a_models_name_that_is_none_gives_way_to_the_one_asked(
    server: LoopbackOpenAI, rig: Rig, name: str
) -> None:
    server.plan(then=changed(lambda reply: reply.update(model=ODD_MODELS[name])))
    explanation, _ = await rig.explain()
    assert explanation is not None
    assert (explanation.generator, explanation.model) == ("model", "gpt-4.1")


LARGEST = 256 * 1024
TOO_LARGE = {
    "by a byte": of_bytes(b" " * (LARGEST + 1)),
    "by far": of_bytes(b" " * 2**24),
    "by a byte when decompressed": of_bytes(gzip.compress(b" " * (LARGEST + 1)), Content_Encoding="gzip"),
    "a thousandfold when decompressed": of_bytes(gzip.compress(b" " * 2**27, 1), Content_Encoding="gzip"),
    "without an end": endless,
}


def padded(size_bytes: int, *, compressed: bool) -> Answer:
    """A good answer, blown up to `size_bytes` by blanks."""

    def answer(asked: dict[str, Any]) -> web.Response:
        body = good(asked).body
        assert isinstance(body, bytes)
        body = body + b" " * (size_bytes - len(body))
        if compressed:
            return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        return web.Response(body=body)

    return answer


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_reply_of_the_largest_size_is_read(server: LoopbackOpenAI, rig: Rig, compressed: bool) -> None:
    server.plan(then=padded(LARGEST, compressed=compressed))
    explanation, _ = await rig.explain()
    assert explanation is not None
    assert explanation.generator == "model"


@pytest.mark.parametrize("size", TOO_LARGE)
async def test_a_reply_beyond_it_is_given_up_and_counted(server: LoopbackOpenAI, rig: Rig, size: str) -> None:
    server.plan(then=TOO_LARGE[size])
    explanation, result = await rig.explain()
    assert explanation is None
    assert (result.outcome, result.attempts) == ("failed", 1)
    assert rig.calls == ["too_large"]


async def test_a_fault_of_our_own_is_a_failed_attempt_and_names_no_word_of_the_reply(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("canary")

    monkeypatch.setattr("streams.reasoning.asking.check_claims", broken)
    explanation, result = await rig.explain()
    assert explanation is None
    assert (result.outcome, result.attempts) == ("failed", 1)
    assert rig.calls == ["failed"]
    for _ in range(2):
        await rig.explain()
    assert "ZeroDivisionError" in (rig.explainer.trouble or "")
    assert "canary" not in caplog.text

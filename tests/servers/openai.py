"""A server on loopback that speaks OpenAI's chat completions, answers as told, and keeps all that it is sent.

async with LoopbackOpenAI() as server:
    server.plan(throttled(retry_after="2"), good)     # the next two answers; then `good` for ever
    use(server.url)
    server.calls                                      # the completions asked for, as bytes and headers
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from aiohttp import web

Answer = Callable[[dict[str, Any]], web.Response | None]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def good(asked: dict[str, Any]) -> web.Response:
    """A claim for each fact, built from the request alone."""
    return completion(asked, json.dumps({"skills": [_answer(skill) for skill in facts_in(asked)["skills"]]}))


def ungrounded(asked: dict[str, Any]) -> web.Response:
    """As `good`, but of the first skill every claim has a number that no fact has."""
    skills = [_answer(skill) for skill in facts_in(asked)["skills"]]
    for claim in skills[0]["claims"]:
        claim["text"] = "Solved 9876 tasks in a row."
    return completion(asked, json.dumps({"skills": skills}))


def not_json(asked: dict[str, Any]) -> web.Response:
    return completion(asked, "Of course! Here is the explanation: {")


def cut_off(asked: dict[str, Any]) -> web.Response:
    return completion(asked, '{"skills": [{"skill": "res', finish_reason="length")


def refusing(asked: dict[str, Any]) -> web.Response:
    return completion(asked, None, refusal="I can't help with that.")


def no_completion(asked: dict[str, Any]) -> web.Response:
    """A proxy's greeting in place of the API's answer."""
    return web.Response(text="<html>Welcome</html>", content_type="text/html")


def hanging(asked: dict[str, Any]) -> None:
    """No answer, as long as the server lives."""


def endless(asked: dict[str, Any]) -> web.Response:
    """An answer that goes on for ever."""

    async def blanks() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    return web.Response(body=blanks())


def of_bytes(body: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer of these bytes. Header names are given with underscores."""
    noted = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _asked: web.Response(body=body, status=status, headers=noted)


def using(**tokens: Any) -> Answer:
    """As `good`, with this use of tokens."""

    def answer(asked: dict[str, Any]) -> web.Response:
        body = good(asked).body
        assert isinstance(body, bytes)
        return web.json_response({**json.loads(body), "usage": tokens})

    return answer


def failing(status: int, code: str = "server_error", **headers: str) -> Answer:
    """An error in the API's form. Header names are given with underscores."""

    def answer(_asked: dict[str, Any]) -> web.Response:
        noted = {name.replace("_", "-"): value for name, value in headers.items()}
        error = {"error": {"message": "as planned", "type": code, "code": code, "param": None}}
        return web.json_response(error, status=status, headers=noted)

    return answer


def throttled(retry_after: str | None = "2") -> Answer:
    return failing(429, "rate_limit_exceeded", **({"retry_after": retry_after} if retry_after else {}))


out_of_quota = failing(429, "insufficient_quota", retry_after="1")


def completion(
    asked: dict[str, Any], content: str | None, *, finish_reason: str = "stop", refusal: str | None = None
) -> web.Response:
    """A chat completion that holds `content`, at 700 tokens in and 150 out."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return web.json_response(
        {
            "id": "chatcmpl-loopback",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": f"{asked['model']}-2026-01-01",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}],
            "usage": {"prompt_tokens": 700, "completion_tokens": 150, "total_tokens": 850},
        }
    )


def facts_in(asked: dict[str, Any]) -> dict[str, Any]:
    """The facts that a request for a completion was sent with."""
    facts: dict[str, Any] = json.loads(asked["messages"][1]["content"])
    return facts


class LoopbackOpenAI:
    """An async context manager. `served` is what GET /v1/models lists, by shutdown date; None for no such endpoint.

    `listing` answers in its place.
    """

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.served: dict[str, str | None] | None = {"gpt-4.1": None, "gpt-6-luna": None}
        self.listing: Callable[[], web.Response] | None = None
        self.arrived = asyncio.Event()
        self._plan: deque[Answer] = deque()
        self._always: Answer = good
        self._closing = asyncio.Event()
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    @property
    def url(self) -> str:
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}/v1"

    @property
    def calls(self) -> list[Exchange]:
        """The completions asked for."""
        return [exchange for exchange in self.exchanges if exchange.method == "POST"]

    def plan(self, *answers: Answer, then: Answer = good) -> None:
        """Give `answers` to the next requests, one each, and `then` to all later ones."""
        self._plan = deque(answers)
        self._always = then

    async def __aenter__(self) -> "LoopbackOpenAI":
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def _complete(self, request: web.Request) -> web.Response:
        body = await self._keep(request)
        answer = self._plan.popleft() if self._plan else self._always
        response = answer(json.loads(body))
        if response is None:
            await self._closing.wait()
            return web.Response(status=503)
        return response

    async def _list(self, request: web.Request) -> web.Response:
        await self._keep(request)
        if self.listing is not None:
            return self.listing()
        if self.served is None:
            raise web.HTTPNotFound
        models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "loopback", "shutdown_date": day}
            for name, day in self.served.items()
        ]
        return web.json_response({"object": "list", "data": models})

    async def _keep(self, request: web.Request) -> bytes:
        body = await request.read()
        self.exchanges.append(Exchange(request.method, request.path_qs, dict(request.headers), body))
        self.arrived.set()
        return body


def _answer(skill: dict[str, Any]) -> dict[str, Any]:
    return {"skill": skill["skill"], "claims": [_claim(fact) for fact in _facts(skill)]}


def _facts(skill: dict[str, Any]) -> Sequence[dict[str, Any]]:
    facts: list[dict[str, Any]] = skill["facts"]
    return facts[:5]


def _claim(fact: dict[str, Any]) -> dict[str, Any]:
    when = f"{fact['id']}.when"
    text = f"The learner {fact['fact']}" + (f", {{{when}}}." if when in fact["slots"] else ".")
    return {"text": text, "evidence": [fact["id"]], "direction": fact.get("direction", "neither")}


def listing(body: object, status: int = 200) -> Callable[[], web.Response]:
    return lambda: web.json_response(body, status=status)


def denied(status: int, code: str, message: str = "no") -> Callable[[], web.Response]:
    return listing({"error": {"message": message, "type": "invalid_request_error", "code": code}}, status)

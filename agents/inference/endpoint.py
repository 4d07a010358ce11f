"""`POST /inference/batch`: admits a few requests at once, reads each to its end, then answers it line by line.

    body ──pieces──► inference process        lines ◄──some at a time──► the client, as fast as it reads

The body is read before the first line is sent: a client that writes all before it reads would wait for ever.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Final

import msgspec
from aiohttp import web

from agents.inference.answers import BatchAnswers
from agents.inference.body import NDJSON, BodyBounds, read_batch
from agents.inference.process import FindRows, InferenceFailed
from agents.inference.refusal import NotInferred
from agents.metrics import Metrics
from agents.metrics.declared.pages import InferenceOutcome
from agents.web.pages import json_answer
from agents.web.streaming import GOES_ON
from schemas.inference import AnswerFailure, AnswerSummary, InferenceCounts, InferenceSummary

_GO_ON_S: Final = 5.0
_RETRY_AFTER_S: Final = "2"
_ENCODER: Final = msgspec.json.Encoder()
RowsFor = Callable[[web.Request], FindRows]
"""Finds rows for one request, with what its caller may see."""


@dataclass(frozen=True, slots=True)
class InferenceBounds:
    """So many `requests` at once; each within its `body`'s bounds, and answered within `timeout_s`."""

    requests: int
    body: BodyBounds
    timeout_s: float


class InferenceEndpoint:
    """Of one worker."""

    def __init__(self, answers: BatchAnswers, rows_for: RowsFor, metrics: Metrics, bounds: InferenceBounds) -> None:
        self._answers, self._rows_for, self._metrics, self._bounds = answers, rows_for, metrics, bounds
        self._under_way = 0
        metrics.before_render(lambda: metrics.inference_in_progress.set(self._under_way))

    @property
    def under_way(self) -> int:
        """Requests."""
        return self._under_way

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """The page's answer: a stream of lines, or a status of 4xx or 503 with the reason."""
        if self._under_way >= self._bounds.requests:
            self._metrics.inference_requests.add("busy")
            said = f"{self._under_way} requests are under way (SKILLSTREAM_INFERENCE_REQUESTS)"
            return _refused(429, said, {"Retry-After": _RETRY_AFTER_S})
        self._under_way += 1
        began_s = monotonic()
        outcome: InferenceOutcome = "gone"
        response = web.StreamResponse(headers={"Content-Type": NDJSON[0], "X-Accel-Buffering": "no"})
        going_on = asyncio.create_task(_go_on(partial(request.app[GOES_ON], request.transport)))
        try:
            async with asyncio.timeout(self._bounds.timeout_s):
                await self._respond(request, response)
            outcome = "answered"
        except (NotInferred, InferenceFailed, TimeoutError) as error:
            refusal = _refusal_of(error, self._bounds.timeout_s)
            outcome = refusal.outcome
            return await _end_with(refusal, request, response)
        except ConnectionError:
            pass  # the client is gone: nobody hears what is returned
        finally:
            going_on.cancel()
            self._under_way -= 1
            self._metrics.inference_requests.add(outcome)
            self._metrics.inference_duration_s.observe(monotonic() - began_s)
        return response

    async def _respond(self, request: web.Request, response: web.StreamResponse) -> None:
        asked = await read_batch(request, self._bounds.body)
        counts, config_version = InferenceCounts(items=0, updates=0, errors=0), ""
        async with aclosing(self._answers.of(asked, self._rows_for(request))) as some:
            async for text in some:
                counts, config_version = text.counts, text.config_version
                if text.text:
                    await self._write(request, response, text.text)
        summary = AnswerSummary(summary=InferenceSummary(config_version=config_version, counts=counts))
        await self._write(request, response, _ENCODER.encode(summary) + b"\n")
        await response.write_eof()

    async def _write(self, request: web.Request, response: web.StreamResponse, text: bytes) -> None:
        """Wait until the client took most of what was written before."""
        try:
            async with asyncio.timeout(self._bounds.body.pause_s):
                if not response.prepared:
                    await response.prepare(request)
                await response.write(text)
        except TimeoutError:
            raise NotInferred(408, "slow", "the answer was not read") from None


async def _go_on(goes_on: Callable[[], None]) -> None:
    """Have the connection know that the answer goes on: how long a client may pause is bounded here."""
    while True:
        goes_on()
        await asyncio.sleep(_GO_ON_S)


def _refusal_of(error: Exception, timeout_s: float) -> NotInferred:
    if isinstance(error, NotInferred):
        return error
    if isinstance(error, InferenceFailed):
        return NotInferred(503, "failed", str(error))
    return NotInferred(503, "slow", f"not answered within {timeout_s:g} s (SKILLSTREAM_INFERENCE_TIMEOUT_S)")


async def _end_with(refusal: NotInferred, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Say why: with the status if that was not sent yet, else in a last line, if the client reads."""
    if not response.prepared:
        retry = {"Retry-After": _RETRY_AFTER_S} if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE else None
        refused = _refused(refusal.status, str(refusal), retry)
        refused.force_close()  # of its body something may be still to come
        return refused
    response.force_close()
    if refusal.outcome != "slow":
        with suppress(ConnectionError):
            await response.write_eof(_ENCODER.encode(AnswerFailure(failed=str(refusal))) + b"\n")
    elif request.transport is not None:
        request.transport.abort()
    return response


def _refused(status: int, why: str, headers: dict[str, str] | None = None) -> web.Response:
    return json_answer({"error": why}, status, headers)

"""`POST /inference/batch`: admits a few requests at once, reads each to its end, then answers it line by line.

    body ──pieces──► inference process        lines ◄──some at a time──► the client, as fast as it reads

The body is read before the first line is sent: a client that writes all before it reads would wait for ever.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from itertools import count
from time import monotonic
from typing import Final

import msgspec
from aiohttp import web

from agents.inference.body import NDJSON, AskedBatch, BodyBounds, Items, read_batch, too_many
from agents.inference.messages import (
    AnswerEvents,
    AnswerText,
    BeginEvents,
    FoldItems,
    ScoreRows,
    TooManyFolded,
)
from agents.inference.process import FindRows, InferenceFailed, InferenceProcess
from agents.inference.refusal import NotInferred
from agents.metrics import Metrics
from agents.metrics.declared import InferenceOutcome
from agents.web.pages import json_answer
from agents.web.streaming import GOES_ON
from schemas.event import MAX_IDENTIFIER_CHARS
from schemas.fusion_config import Overrides
from schemas.inference import NOT_AN_ID, AnswerFailure, AnswerSummary, InferenceCounts, InferenceSummary
from streams.inference.overlay import Unavailable
from streams.replay import batches

_STUDENTS_AT_ONCE: Final = 100
_RETRY_AFTER_S: Final = "2"
_NOT_AN_ID: Final = Unavailable(NOT_AN_ID, f"a student's id is a string of 1 to {MAX_IDENTIFIER_CHARS} characters")
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
    """Of one worker. `overrides` tells those in force, `now_ms` the time."""

    def __init__(
        self,
        process: InferenceProcess,
        rows_for: RowsFor,
        metrics: Metrics,
        bounds: InferenceBounds,
        overrides: Callable[[], Overrides],
        now_ms: Callable[[], int],
    ) -> None:
        self._process, self._rows_for, self._metrics = process, rows_for, metrics
        self._bounds, self._overrides, self._now_ms = bounds, overrides, now_ms
        self._numbers = count()
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
            self._under_way -= 1
            self._metrics.inference_requests.add(outcome)
            self._metrics.inference_duration_s.observe(monotonic() - began_s)
        return response

    async def _respond(self, request: web.Request, response: web.StreamResponse) -> None:
        goes_on = partial(request.app[GOES_ON], request.transport)
        asked = await read_batch(request, self._bounds.body, goes_on)
        find_rows = self._rows_for(request)
        counts, config_version = InferenceCounts(items=0, updates=0, errors=0), ""
        async with aclosing((self._of_students if asked.of_students else self._of_events)(asked, find_rows)) as answers:
            async for text in answers:
                counts, config_version = text.counts, text.config_version
                if text.text:
                    await self._write(request, response, text.text)
                goes_on()
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

    async def _of_events(self, asked: AskedBatch, find_rows: FindRows) -> AsyncGenerator[AnswerText, None]:
        number, most_events = next(self._numbers), self._bounds.body.items
        try:
            begins = BeginEvents(
                request=number,
                now_ms=self._now_ms(),
                onto_stored=asked.onto == "stored",
                most_events=most_events,
                overrides=self._overrides(),
            )
            await self._process.ask(begins)
            async for piece in asked.pieces:
                self._metrics.inference_items.add("events", len(piece))
                if isinstance(
                    await self._process.ask(FoldItems(request=number, values=piece), find_rows), TooManyFolded
                ):
                    raise too_many(most_events)
            question = AnswerEvents(request=number, most=_STUDENTS_AT_ONCE)
            while True:
                reply = await self._process.ask(question, find_rows)
                assert isinstance(reply, AnswerText), "no other reply to a question for an answer"
                yield reply
                if not reply.text:
                    return
        finally:
            await self._process.drop(number)

    async def _of_students(self, asked: AskedBatch, find_rows: FindRows) -> AsyncGenerator[AnswerText, None]:
        items: Items = []
        async for piece in asked.pieces:
            self._metrics.inference_items.add("students", len(piece))
            items += piece
        overrides, counts = self._overrides(), [0, 0, 0]
        for some in batches(enumerate(items), _STUDENTS_AT_ONCE):
            reply = await self._process.ask(await _question(some, find_rows, overrides))
            assert isinstance(reply, AnswerText), "no other reply to a question for scores"
            of_some = reply.counts
            counts = [a + b for a, b in zip(counts, (of_some.items, of_some.updates, of_some.errors), strict=True)]
            yield msgspec.structs.replace(
                reply, counts=InferenceCounts(items=counts[0], updates=counts[1], errors=counts[2])
            )


async def _question(some: list[tuple[int, bytes | int]], find_rows: FindRows, overrides: Overrides) -> ScoreRows:
    keys = [_student_in(value) for _, value in some]
    rows = iter(await find_rows([key for key in keys if key]))
    return ScoreRows(
        students=keys,
        rows=[next(rows) if key else _NOT_AN_ID for key in keys],
        items=[item for item, _ in some],
        overrides=overrides,
    )


def _student_in(item: bytes | int) -> bytes:
    """The id that an item is, encoded; nothing where it is none."""
    try:
        student = msgspec.json.decode(item, type=str) if isinstance(item, bytes) else ""
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return b""
    return student.encode() if len(student) <= MAX_IDENTIFIER_CHARS else b""


def _refusal_of(error: Exception, timeout_s: float) -> NotInferred:
    if isinstance(error, NotInferred):
        return error
    if isinstance(error, InferenceFailed):
        return NotInferred(503, "failed", str(error))
    return NotInferred(503, "slow", f"not answered within {timeout_s:g} s (SKILLSTREAM_INFERENCE_TIMEOUT_S)")


async def _end_with(refusal: NotInferred, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Say why, with the status if that was not sent yet, else in a last line."""
    if not response.prepared:
        refused = _refused(
            refusal.status, str(refusal), {"Retry-After": _RETRY_AFTER_S} if refusal.status == 503 else None
        )
        refused.force_close()  # of its body something may be still to come
        return refused
    response.force_close()
    if refusal.outcome != "slow" and request.transport is not None:
        await response.write_eof(_ENCODER.encode(AnswerFailure(failed=str(refusal))) + b"\n")
    elif request.transport is not None:
        request.transport.abort()
    return response


def _refused(status: int, why: str, headers: dict[str, str] | None = None) -> web.Response:
    return json_answer({"error": why}, status, headers)

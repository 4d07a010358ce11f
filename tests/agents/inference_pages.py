"""A worker's `/inference/batch`, with rows in memory, asked over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any, Final

import aiohttp
import orjson

from agents.config.settings import Settings
from agents.inference.endpoint import InferenceEndpoint
from agents.inference.process import InferenceProcess
from agents.inference.setup import inference_endpoint, inference_process
from agents.web.access import RoleTokens
from agents.web.connections import DEFAULT_CONNECTION_BOUNDS, Bounds
from agents.web.pages import Page
from schemas.fusion_config import Overrides
from streams.evidence.artifacts import load_artifact
from streams.inference.overlay import FoundRow
from streams.input.identities import StudentOf, its_own
from streams.pipeline import Pipeline
from streams.replay import Replay
from streams.skills.skills_file import load_skills
from tests.agents.situation import Situation, served
from tests.events import NOW_MS, fail_source, records

_PATIENCE_S: Final = 180.0
PATH = "/inference/batch"
TOKEN = "a-token-for-inference"
NDJSON = {"Content-Type": "application/x-ndjson", "Authorization": f"Bearer {TOKEN}"}


@dataclass
class Answer:
    """An answer, read to its end: `lines` without the last, which is `end`."""

    status: int
    text: bytes
    headers: dict[str, str]

    @property
    def all(self) -> list[dict[str, Any]]:
        return [orjson.loads(each) for each in self.text.splitlines()]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return self.all[:-1]

    @property
    def end(self) -> dict[str, Any]:
        return self.all[-1]


@dataclass
class Inference:
    """`rows` are what is stored, by key."""

    situation: Situation
    process: InferenceProcess
    endpoint: InferenceEndpoint
    session: aiohttp.ClientSession
    rows: dict[bytes, FoundRow] = field(default_factory=dict)
    asked: int = 0

    async def ask(self, body: bytes, query: str = "", **headers: str) -> Answer:
        """Post `body`; NDJSON unless the headers say otherwise."""
        async with self.session.post(PATH + query, data=BytesIO(body), headers=NDJSON | headers) as response:
            return Answer(response.status, await response.read(), dict(response.headers))

    @property
    def url(self) -> str:
        """Of the worker."""
        return str(self.session._base_url).rstrip("/")  # noqa: SLF001

    def outcomes(self) -> dict[str, float]:
        """Of all requests, those that are not 0."""
        return {name: n for name, n in self.situation.metrics.inference_requests.values().items() if n}


async def store(worker: Inference, *values: bytes) -> dict[str, dict[str, Any]]:
    """Have these events stored; the last updates, by student."""
    replay = Replay(shipped_pipeline())
    result = await replay.feed(records(values))
    worker.rows.update(replay.rows.items(0))
    return {key.decode(): orjson.loads(update) for key, update in result.updates.items()}


async def until(holds: Callable[[], bool]) -> None:
    """Return when it holds; fail where it never does."""
    async with asyncio.timeout(_PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0.01)


@cache
def shipped_pipeline() -> Pipeline:
    """As a worker has it that is not configured."""
    return Pipeline(load_skills("default"), load_artifact("default"), on_failure=fail_source)


@asynccontextmanager
async def inference(
    situation: Situation,
    bounds: Bounds = DEFAULT_CONNECTION_BOUNDS,
    student_of: StudentOf = its_own,
    **settings: Any,
) -> AsyncIterator[Inference]:
    """Served within these settings, and bounds of connections."""
    given = Settings(**{"inference_nice": 0, **settings})  # a busy machine would take its time
    process = inference_process(given, shipped_pipeline().base_version, situation.metrics)

    async def find_rows(keys: Sequence[bytes]) -> list[FoundRow]:
        worker.asked += len(keys)
        return [worker.rows.get(key) for key in keys]

    endpoint = inference_endpoint(
        given, process, lambda _request: find_rows, situation.metrics, Overrides, lambda: NOW_MS, student_of
    )
    pages = [Page(PATH, endpoint.respond, "POST", "inference")]
    try:
        async with served(situation, pages=pages, bounds=bounds, tokens=RoleTokens(inference=TOKEN)) as session:
            worker = Inference(situation, process, endpoint, session)
            yield worker
    finally:
        await process.stop()

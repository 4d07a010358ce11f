"""Batch inference of a worker, put together from its settings."""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from agents.config.dialects import bounds_of
from agents.config.settings import Settings
from agents.inference.answers import BatchAnswers
from agents.inference.body import BodyBounds
from agents.inference.endpoint import InferenceBounds, InferenceEndpoint, RowsFor
from agents.inference.group_rows import ROWS_PATH, answer_rows
from agents.inference.messages import Setup
from agents.inference.process import InferenceProcess
from agents.inference.rows import NoteRows, OwnRows
from agents.metrics import Metrics
from agents.web.pages import Page
from schemas.fusion_config import Overrides
from streams.input.identities import StudentOf, its_own
from streams.norms.view import NormView

_MB: Final = 1024 * 1024


def inference_process(
    settings: Settings, base_version: str, metrics: Metrics, norms: Callable[[], NormView | None] = lambda: None
) -> InferenceProcess:
    """It starts with the first request; `base_version` is the worker's own, `norms` tells those in force there."""
    return InferenceProcess(process_setup(settings), base_version, metrics.inference_starts.add, norms=norms)


def process_setup(settings: Settings) -> Setup:
    """Of the settings what the process needs."""
    return Setup(
        skills=settings.skills,
        model=settings.model,
        model_signers=settings.model_signers,
        mapping=settings.mapping,
        bounds=bounds_of(settings),
        known_ids=settings.known_ids,
        components=settings.components_per_student,
        nice=settings.inference_nice,
    )


def inference_endpoint(
    settings: Settings,
    process: InferenceProcess,
    rows_for: RowsFor,
    metrics: Metrics,
    overrides: Callable[[], Overrides],
    now_ms: Callable[[], int],
    student_of: StudentOf = its_own,
) -> InferenceEndpoint:
    """Within the settings' bounds."""
    body = BodyBounds(
        settings.inference_items,
        settings.inference_max_mb * _MB,
        settings.record_max_bytes,
        settings.inference_pause_s,
    )
    bounds = InferenceBounds(settings.inference_requests, body, settings.inference_timeout_s)
    answers = BatchAnswers(process, metrics, settings.inference_items, overrides, now_ms, student_of)
    return InferenceEndpoint(answers, rows_for, metrics, bounds)


def inference_pages(
    endpoint: InferenceEndpoint, own: OwnRows, note_for: Callable[[web.Request], NoteRows]
) -> list[Page]:
    """`/inference/batch`, and `/inference/rows`, which other workers ask."""

    async def respond_with_rows(request: web.Request) -> web.Response:
        return await answer_rows(own, note_for(request), request)

    return [
        Page("/inference/batch", endpoint.respond, "POST", "inference"),
        Page(ROWS_PATH, respond_with_rows, "POST", "inference"),
    ]

"""Batch inference as a part of a worker."""

from collections.abc import Callable, Mapping
from functools import partial

from aiohttp import web

from agents.config.settings import Settings
from agents.inference.group_rows import GroupRows
from agents.inference.process import FindRows
from agents.inference.rows import NoteRows, OwnRows
from agents.inference.setup import inference_endpoint, inference_pages, inference_process
from agents.metrics import Metrics
from agents.peers import PeerRequests, Peers
from agents.queries.audited import AuditedReads
from agents.reasoning.setup import now_us
from agents.web.pages import Page
from agents.web.students import reader_of
from schemas.fusion_config import Overrides
from streams.input.identities import StudentOf, its_own
from streams.norms.view import NormView


class WorkerInference:
    """Of one worker; `own` are its rows, `overrides` and `norms` tell those in force, `student_of` whose an id is."""

    def __init__(
        self,
        settings: Settings,
        base_version: str,
        own: OwnRows,
        peers: Peers,
        requests: PeerRequests,
        metrics: Metrics,
        overrides: Callable[[], Overrides],
        norms: Callable[[], NormView | None],
        reads: AuditedReads,
        student_of: StudentOf = its_own,
    ) -> None:
        self._own, self._peers, self._requests, self._reads = own, peers, requests, reads
        self._process = inference_process(settings, base_version, metrics, norms)
        endpoint = inference_endpoint(settings, self._process, self._rows_for, metrics, overrides, _now_ms, student_of)
        self.pages: list[Page] = inference_pages(endpoint, self._own, self._note_for)

    async def stop(self) -> None:
        """End its process."""
        await self._process.stop()

    def _rows_for(self, request: web.Request) -> FindRows:
        headers: Mapping[str, str] = request.headers
        return GroupRows(self._own, self._peers, self._requests, headers, self._note_for(request))

    def _note_for(self, request: web.Request) -> NoteRows:
        return partial(self._reads.rows, reader_of(request))


def _now_ms() -> int:
    return now_us() // 1_000

"""The audit trail of a worker: acts are noted in memory, in order, and written by a task beside the stream.

    note ──► waiting (bounded) ──► thread: one batch of records ──► confirmed
               │ full, or the oldest waits for longer than is bearable
               └──► AuditUnavailable: what cannot be recorded is not done

A worker that is killed loses what was waiting: acts of the last moments, or of half a minute where the broker was away.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from agents.audit.chain import AuditedAct
from agents.audit.writer import ChainWriter
from agents.metrics import Metrics
from schemas.audit import AuditAction, AuditActor, AuditOutcome
from schemas.errors import Retryable, SkillstreamError

BEARABLE_S: Final = 30.0
"""So long may a record wait for the broker until nothing more is noted."""
MOST_WAITING: Final = 50_000
"""Records, and persons that they are about."""
_CONFIRMED_WITHIN_S: Final = 10.0
_TRY_AGAIN_S: Final = 1.0
_log = logging.getLogger(__name__)


class AuditUnavailable(Retryable):
    """An act cannot be recorded now, and so is not done."""


@dataclass(slots=True)
class _Waiting:
    act: AuditedAct
    since_s: float
    confirmed: asyncio.Future[None] | None


class AuditTrail:
    """Of one worker, in its event loop. `run` has to run beside it."""

    def __init__(
        self,
        writer: ChainWriter,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self._writer, self._metrics, self._now, self._clock_s = writer, metrics, now, clock_s
        self._waiting: list[_Waiting] = []
        self._under_way: list[_Waiting] = []
        self._size = 0
        self._wake = asyncio.Event()
        self._trouble = ""
        metrics.before_render(lambda: metrics.audit_waiting.set(len(self._waiting) + len(self._under_way)))

    async def note(
        self,
        action: AuditAction,
        who: AuditActor,
        outcome: AuditOutcome,
        about: Sequence[str] = (),
        detail: str = "",
        *,
        confirmed: bool = False,
    ) -> None:
        """Have an act recorded; `confirmed` waits until the broker has it. Raises AuditUnavailable.

        An act that is not confirmed in time may be recorded all the same.
        """
        self._require_room()
        waits_for = asyncio.get_running_loop().create_future() if confirmed else None
        act = AuditedAct(at=self._now(), action=action, who=who, outcome=outcome, about=tuple(about), detail=detail)
        self._waiting.append(_Waiting(act, self._clock_s(), waits_for))
        self._size += 1 + len(act.about)
        self._wake.set()
        if waits_for is not None:
            try:
                async with asyncio.timeout(_CONFIRMED_WITHIN_S):
                    await waits_for
            except TimeoutError:
                raise AuditUnavailable(self._unavailable()) from None

    async def run(self) -> None:
        """Write what is noted, for as long as the worker works. What cannot be written is tried again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._under_way, self._waiting = self._waiting, []
            acts = [each.act for each in self._under_way]
            while not await self._is_written(acts):
                acts = []  # the writer has them
                await asyncio.sleep(_TRY_AGAIN_S)
            self._settle()

    async def close(self) -> None:
        """Write what still waits, if the broker takes it, and let go of the clients."""
        left, self._waiting = self._waiting, []
        if not await self._is_written([each.act for each in left]):
            count = len(left) + len(self._under_way)
            _log.error("Up to %d records of the audit trail were not confirmed", count, extra={"records": count})
        await asyncio.to_thread(self._writer.close)

    def _require_room(self) -> None:
        oldest = next(iter(self._under_way or self._waiting), None)
        is_late = oldest is not None and self._clock_s() - oldest.since_s > BEARABLE_S
        if is_late or self._size >= MOST_WAITING:
            self._metrics.audit_records.add("refused")
            raise AuditUnavailable(self._unavailable())

    async def _is_written(self, acts: Sequence[AuditedAct]) -> bool:
        try:
            await asyncio.to_thread(self._writer.write, acts)
        except SkillstreamError as error:
            if not self._trouble:
                _log.warning("The audit trail is not written: %s. Students are soon not shown any more", error)
            self._trouble = str(error)
            return False
        if self._trouble:
            _log.info("The audit trail is written again")
        self._trouble = ""
        return True

    def _settle(self) -> None:
        """All that were under way are confirmed."""
        for each in self._under_way:
            self._size -= 1 + len(each.act.about)
            if each.confirmed is not None and not each.confirmed.done():
                each.confirmed.set_result(None)
        self._metrics.audit_records.add("confirmed", len(self._under_way))
        self._under_way = []

    def _unavailable(self) -> str:
        said = f": {self._trouble}" if self._trouble else ""
        return f"what is read must be recorded, and the audit trail cannot be written now{said}"

"""Scores all students of a worker's partitions anew, when `fusion-config` asks for it: a few at a time, as the
partition's only writer, between the batches of events.

    request ──► each partition that has not carried it out:  rows, updates ──► confirmed ──► … ──► checkpoint

The checkpoint remembers the request, so whoever owns the partition next knows. What was interrupted is begun again: the
same students get the same updates.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final

import numpy as np

from agents.delivery.step import BatchResult, PartitionWriter
from agents.logs import lifecycle
from agents.worker.input_identity import InputIdentity
from agents.worker.outputs import Outputs
from agents.worker.work_thread import WorkThread
from streams.pipeline import Pipeline
from streams.replay import batches
from streams.rows.codec import row_headers
from streams.rows.row_batch import RowBatch
from streams.rows.table import Rows
from streams.scoring.config_log import RescoreEntry

_LOOK_S: Final = 0.5
_STUDENTS_AT_ONCE: Final = 500
_LOG_EVERY_S: Final = 10.0


class RescoringStep:
    """Scores stored students under the configuration in force, as of their last event. What is folded stays, and what
    is owed to them: no explanation is asked for. `observe` hears of how many there were.
    """

    def __init__(self, pipeline: Pipeline, rows: Rows, outputs: Outputs, observe: Callable[[int], None]) -> None:
        self._pipeline = pipeline
        self._rows = rows
        self._outputs = outputs
        self._observe = observe
        self._thread = WorkThread("rescore")

    async def __call__(self, partition: int, keys: Sequence[bytes]) -> BatchResult:
        """Of those students who have a row with events; of one who was erased, nothing is said."""
        found = [(key, row) for key, row in zip(keys, self._rows.get_many(partition, keys), strict=True) if row]
        with_events = np.flatnonzero(row_headers([row for _, row in found])["events"]).tolist() if found else []
        if not with_events:
            return BatchResult({}, [])
        known = [found[index][0] for index in with_events]
        rows = RowBatch.of([found[index][1] for index in with_events], self._pipeline.skill_set.names)
        scorer = self._pipeline.scorer
        scored = await self._thread.run_async(lambda: scorer.score(rows))
        written = await self._thread.run(lambda: (scored.rows.encode(), scorer.write(known, scored)))
        encoded, updates = written
        self._observe(len(known))
        return BatchResult(
            dict(zip(known, encoded, strict=True)),
            list(self._outputs.updates(partition, dict(zip(known, updates, strict=True)))),
        )


@dataclass(slots=True)
class Rescorer:
    """Of one worker. `request` tells the newest, `owned` the partitions whose records are folded here.

    At most `students_per_s` are scored, over all partitions.
    """

    step: RescoringStep
    writer: PartitionWriter
    rows: Rows
    identity: InputIdentity
    request: Callable[[], RescoreEntry | None]
    owned: Callable[[], frozenset[int]]
    students_per_s: int
    moves: int = 0

    async def run(self) -> None:
        """Carry out each request, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            request = self.request()
            if request is None:
                continue
            for partition in sorted(self.owned()):
                if self.identity.rescored(partition) != request.id:
                    await self._rescore(partition, request)

    def interrupt(self) -> None:
        """Partitions move on: whoever has them then begins again."""
        self.moves += 1

    async def _rescore(self, partition: int, request: RescoreEntry) -> None:
        keys: list[bytes] = []
        if not await self.writer.apply(partition, partial(self._list, partition, keys)):
            return
        if keys:
            lifecycle.rescores(partition, len(keys), request.offset, request.written, request.reason)
        began_s = logged_s = monotonic()
        done, moves = 0, self.moves
        for some in batches(keys, _STUDENTS_AT_ONCE):
            until_s = monotonic() + len(some) / self.students_per_s
            if not await self.writer.apply(partition, partial(self.step, partition, some)) or self.moves != moves:
                break
            done += len(some)
            if monotonic() - logged_s >= _LOG_EVERY_S:
                logged_s = monotonic()
                lifecycle.rescoring(partition, done, len(keys))
            await asyncio.sleep(max(0.0, until_s - monotonic()))
        if done == len(keys):
            await self.writer.apply(partition, partial(self._remember, partition, request, moves))
        if not keys:
            return
        if self.identity.rescored(partition) == request.id:
            lifecycle.rescored(partition, done, monotonic() - began_s)
        else:
            lifecycle.rescoring_interrupted(partition, done)

    async def _list(self, partition: int, keys: list[bytes]) -> BatchResult:
        """All students, once no batch is under way that was begun under a former configuration."""
        keys += [key for key, _ in self.rows.items(partition)]
        return BatchResult({}, [])

    async def _remember(self, partition: int, request: RescoreEntry, moves: int) -> BatchResult:
        """Another may have had the partition since, and students of its own: then all is to be done again."""
        is_done = self.moves == moves
        return BatchResult({}, [], self.identity.note_rescored(partition, request.id) if is_done else None)

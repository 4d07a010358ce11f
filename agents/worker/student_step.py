"""The step of the one agent that owns the table: a batch of records in; rows, updates, dead letters, forwards out.

All that it decides is decided in `streams`; here the topics meet the pipeline.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from time import perf_counter
from typing import Final

from agents.delivery.step import Batches, BatchResult
from agents.tracing import Traced, TracedBatch
from agents.worker.outputs import Outputs
from agents.worker.work_thread import WorkThread
from schemas.dialects import Record
from streams.context import ProcessingContext
from streams.input.identity_decoding import StartedAnew
from streams.input.tenant_hold import HeldAnew
from streams.norms.journal import Journaled
from streams.pipeline import BatchOutcome, PartitionResult, Pipeline
from streams.rows.row_batch import Integers

MOST_STUDENTS: Final = 10_000
"""Of one batch. More are left for the next: some 100 MB and 0.5 s each."""
_MOST_SKILL_STATES: Final = 8 * MOST_STUDENTS
"""Students times skills: so many columns cost as much as eight skills of `MOST_STUDENTS`."""
SHORT_RECORDS: Final = 200
SHORT_BYTES: Final = 64 * 1024

Step = Callable[[Batches], Awaitable[Mapping[int, BatchResult]]]
"""A BatchStep of one topic."""


class TopicSteps:
    """A step for each topic. Implements BatchStep."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        self._steps = steps

    async def __call__(self, topic: str, batches: Batches) -> Mapping[int, BatchResult]:
        """See BatchStep."""
        return await self._steps[topic](batches)


class StudentStep:
    """The step of the input topic. It alone reads and changes rows while it runs.

    What is folded and scored depends on the records alone. `observe` hears of every outcome, and of the seconds that
    it took; `stored` of a partition when the rows of its result are stored; `confirmed` of a partition's timestamps
    (ms) when all that its records led to is confirmed. `traced` are the worker's traces; None where they are off.
    `journal` is given each partition's result, in the order of its steps, and says how its rows are appended.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        context: ProcessingContext,
        outputs: Outputs,
        observe: Callable[[BatchOutcome, float], None],
        stored: Callable[[int], None],
        confirmed: Callable[[Integers], None] = lambda _timestamps_ms: None,
        traced: Traced | None = None,
        journal: Callable[[int, PartitionResult], Journaled | None] = lambda _partition, _result: None,
    ) -> None:
        self._pipeline = pipeline
        self._context = context
        self._outputs = outputs
        self._observe = observe
        self._stored = stored
        self._confirmed = confirmed
        self._traced = traced
        self._journal = journal
        self._thread = WorkThread("fold")

    async def __call__(self, batches: Batches) -> Mapping[int, BatchResult]:
        """Process the first records, as many as the context takes at once; long work beside the event loop."""
        trace = self._traced.begin(batches) if self._traced is not None else None
        if trace is None:
            return await self._step(batches, self._context)
        try:
            results = await self._step(batches, replace(self._context, stage=trace.stage))
        except Exception as error:
            trace.failed(error)
            raise
        trace.sends(results)
        return {partition: _traced(result, trace, partition) for partition, result in results.items()}

    async def _step(self, batches: Batches, context: ProcessingContext) -> dict[int, BatchResult]:
        began_s = perf_counter()
        if is_long(list(chain.from_iterable(batches.values()))):
            context = replace(context, executor=self._thread)
        outcome = await self._process(batches, context)
        results = await context.executor.run(lambda: self._results(outcome))
        self._observe(outcome, perf_counter() - began_s)
        return results

    async def _process(self, batches: Batches, context: ProcessingContext) -> BatchOutcome:
        while True:
            try:
                return await self._pipeline.process(batches, context)
            except (HeldAnew, StartedAnew):  # once a partition, once an entry: decoded again, under what is stated now
                continue

    def _results(self, outcome: BatchOutcome) -> dict[int, BatchResult]:
        return {
            partition: BatchResult(
                result.rows,
                self._outputs.of(partition, result),
                records=result.taken,
                stored=partial(self._stored, partition),
                confirmed=partial(self._confirmed, result.timestamps_ms),
                journaled=self._journal(partition, result),
            )
            for partition, result in outcome.partitions.items()
        }


def _traced(result: BatchResult, trace: TracedBatch, partition: int) -> BatchResult:
    def confirmed() -> None:
        result.confirmed()
        trace.confirmed(partition)

    return replace(result, outputs=trace.marked(result.outputs), confirmed=confirmed)


def most_students(skills: int) -> int:
    """Of how many students one batch may hold events, by the number of skills."""
    return min(MOST_STUDENTS, _MOST_SKILL_STATES // skills)


def is_long(records: Sequence[Record]) -> bool:
    """Whether work on them may take longer than the event loop should stand still for."""
    if len(records) > SHORT_RECORDS:
        return True
    return sum(len(record.value or b"") for record in records) > SHORT_BYTES

"""The step of the one agent that owns the table: a batch of records in; rows, updates, dead letters, forwards out.

All that it decides is decided in `streams`; here the topics meet the pipeline.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Final

from aiokafka.structs import ConsumerRecord

from agents.delivery.step import BatchResult
from agents.worker.outputs import Outputs
from agents.worker.work_thread import WorkThread
from schemas.dialects import Record
from streams.context import ProcessingContext
from streams.pipeline import PartitionResult, Pipeline

MOST_STUDENTS: Final = 10_000
"""Of one batch. More are left for the next: some 100 MB and 0.5 s each."""
_MOST_SKILL_STATES: Final = 8 * MOST_STUDENTS
"""Students times skills: so many columns cost as much as eight skills of `MOST_STUDENTS`."""
SHORT_RECORDS: Final = 200
SHORT_BYTES: Final = 64 * 1024

Step = Callable[[int, Sequence[ConsumerRecord]], Awaitable[BatchResult]]
"""A BatchStep of one topic."""


class TopicSteps:
    """A step for each topic. Implements BatchStep."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        self._steps = steps

    async def __call__(self, topic: str, partition: int, records: Sequence[ConsumerRecord]) -> BatchResult:
        """See BatchStep."""
        return await self._steps[topic](partition, records)


class StudentStep:
    """The step of the input topic. It alone reads and changes its partition's rows while it runs.

    What is folded and scored depends on the records alone. `observe` hears of every result, and of the seconds that it
    took; `stored` of a partition when the rows of its result are stored.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        context: ProcessingContext,
        outputs: Outputs,
        observe: Callable[[PartitionResult, float], None],
        stored: Callable[[int], None],
    ) -> None:
        self._pipeline = pipeline
        self._context = context
        self._outputs = outputs
        self._observe = observe
        self._stored = stored
        self._thread = WorkThread("fold")

    async def __call__(self, partition: int, records: Sequence[ConsumerRecord]) -> BatchResult:
        """Process the first records, as many as the context takes at once; long work beside the event loop."""
        began_s = perf_counter()
        context = replace(self._context, executor=self._thread) if is_long(records) else self._context
        result = (await self._pipeline.process({partition: records}, context))[partition]
        outputs = await context.executor.run(lambda: self._outputs.of(partition, result))
        self._observe(result, perf_counter() - began_s)
        return BatchResult(result.rows, outputs, records=result.taken, stored=lambda: self._stored(partition))


def most_students(skills: int) -> int:
    """Of how many students one batch may hold events, by the number of skills."""
    return min(MOST_STUDENTS, _MOST_SKILL_STATES // skills)


def is_long(records: Sequence[Record]) -> bool:
    """Whether work on them may take longer than the event loop should stand still for."""
    if len(records) > SHORT_RECORDS:
        return True
    return sum(len(record.value or b"") for record in records) > SHORT_BYTES

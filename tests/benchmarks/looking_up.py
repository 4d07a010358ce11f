"""A question about a student whose four look-ups take 10 ms each is answered in about 10 ms, not 40; and what many cost
that are asked at once.
"""

import asyncio
import time
from collections.abc import Awaitable
from functools import cache
from statistics import median
from typing import Final, TypeVar

from agents.queries.answers import StudentAnswers
from agents.queries.lookups import BehaviourBySkill, Existence, LanguageBySkill, RowLookups, StoredStudent
from schemas.update import SkillUpdate
from streams.context import ProcessingContext
from streams.rows.table import PartitionedRows
from tests.benchmarks.measure import Measure
from tests.events import default_pipeline, raw, records

_DELAY_S: Final = 0.010
_QUESTIONS: Final = 50
_AT_ONCE: Final = 100
_ADA: Final = b"ada"
_T = TypeVar("_T")


class _Slow:
    """Implements StudentLookups: those of rows, each 10 ms late."""

    def __init__(self, inner: RowLookups) -> None:
        self._inner = inner

    async def existence(self, student: StoredStudent) -> Existence:
        return await _late(self._inner.existence(student))

    async def behaviour(self, student: StoredStudent) -> BehaviourBySkill:
        return await _late(self._inner.behaviour(student))

    async def language(self, student: StoredStudent) -> LanguageBySkill:
        return await _late(self._inner.language(student))

    async def last_scores(self, student: StoredStudent) -> SkillUpdate | None:
        return await _late(self._inner.last_scores(student))


def looking_up() -> Measure:
    """The median time of an answer, against that of the same answer without the delay and one delay."""
    return asyncio.run(_measured())


def looking_up_together() -> Measure:
    """CPU time of an answer where a hundred are asked for at once, against those that are asked for one by one."""
    return asyncio.run(_together())


async def _together() -> Measure:
    pipeline, student = default_pipeline(), await asyncio.to_thread(_student)
    answers = StudentAnswers(RowLookups(pipeline), lambda: pipeline.scorer.catalogue_entry, 10.0)
    began_s = time.process_time()
    for _ in range(_AT_ONCE):
        await answers.answer(student)
    alone_s = time.process_time() - began_s
    began_s = time.process_time()
    await asyncio.gather(*(answers.answer(student) for _ in range(_AT_ONCE)))
    together_s = time.process_time() - began_s
    return Measure(together_s / _AT_ONCE * 1000, "ms of CPU", "one by one", together_s / alone_s)


async def _measured() -> Measure:
    pipeline, student = default_pipeline(), await asyncio.to_thread(_student)  # which runs a loop of its own
    lookups = RowLookups(pipeline)
    slow, fast = (
        StudentAnswers(each, lambda: pipeline.scorer.catalogue_entry, 10.0) for each in (_Slow(lookups), lookups)
    )
    delayed = [await _seconds(slow.answer(student)) for _ in range(_QUESTIONS)]
    at_once = [await _seconds(fast.answer(student)) for _ in range(_QUESTIONS)]
    took_s = median(delayed)
    return Measure(
        took_s * 1000, "ms", "10 ms, and the same answer without them", took_s / (_DELAY_S + median(at_once))
    )


@cache
def _student() -> StoredStudent:
    rows = PartitionedRows()
    taken = records([raw("attempt", minute=minute, item_id=f"q{minute}", score=0.8) for minute in range(40)])
    outcome = asyncio.run(default_pipeline().process({0: taken}, ProcessingContext(rows=rows)))
    return StoredStudent(_ADA, outcome.partitions[0].rows[_ADA])


async def _late(lookup: Awaitable[_T]) -> _T:
    await asyncio.sleep(_DELAY_S)
    return await lookup


async def _seconds(work: Awaitable[object]) -> float:
    began_s = time.perf_counter()
    await work
    return time.perf_counter() - began_s

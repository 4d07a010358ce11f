"""Three sources of 100 ms each take a batch about 100 ms, not 300."""

import asyncio
import time
from collections.abc import Awaitable, Sequence

from streams.evidence.collect import collect
from streams.evidence.source import Estimate, Source
from streams.rows.row_batch import RowBatch
from tests.benchmarks.measure import Measure
from tests.events import fail_source

_DELAY_S = 0.1


class _Slow:
    """A source that waits, as one behind a network does."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def estimate(self, row_batch: RowBatch) -> Estimate:
        await asyncio.sleep(_DELAY_S)
        return Estimate.empty(len(row_batch), 1)


def three_slow_sources() -> Measure:
    """Time of one batch with three such sources, against one of them alone."""
    row_batch = RowBatch.of([None] * 100, ("skill",))
    one, three = _seconds(_collect([_Slow("a")], row_batch)), _seconds(_collect([_Slow(n) for n in "abc"], row_batch))
    return Measure(three * 1000, "ms", "one source alone", three / one)


async def _collect(sources: Sequence[Source], row_batch: RowBatch) -> None:
    await collect(sources, row_batch, skills=1, deadline_s=5, stale_after_s=1e9, on_failure=fail_source)


def _seconds(work: Awaitable[None]) -> float:
    async def timed() -> float:
        began_s = time.perf_counter()
        await work
        return time.perf_counter() - began_s

    return asyncio.run(timed())

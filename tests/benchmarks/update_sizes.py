"""How long our updates are, by the pure pipeline: for contestants that are to write as many bytes."""

import asyncio
from functools import cache
from statistics import mean
from typing import Final

from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay, batches
from tests.benchmarks.datasets import DataSet, records
from tests.benchmarks.piping import patient_skills
from tests.events import fail_source

_EVENTS: Final = 20_000
_NOW_MS: Final = 1_900_000_000_000


@cache
def mean_update_bytes(data: DataSet) -> int:
    """Of 20,000 events like a data set's, before compression."""
    first = enumerate(records(data, _EVENTS))
    found = [FileRecord(offset, _NOW_MS, record.value, key=record.key) for offset, record in first]
    replay = Replay(Pipeline(patient_skills(), load_artifact("default"), on_failure=fail_source))

    async def sizes() -> list[int]:
        return [len(update) for batch in batches(found) for update in (await replay.feed(batch)).updates.values()]

    return round(mean(asyncio.run(sizes())))

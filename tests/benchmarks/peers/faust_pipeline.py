"""Idiomatic Faust doing all that our worker does, event by event. python -m ... BROKER TOPIC GROUP OUTPUT EVENTS

The same pure pipeline (decode, dedupe, fold, three sources, fusion) on a batch of one; the row written to the table;
the update sent: for every event that changes
the student. After EVENTS events it takes no more, as it would never get to the end.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.context import ProcessingContext
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.skills.skills_file import load_skills
from tests.benchmarks.peers import faust_app


@dataclass(slots=True)
class PerEvent:
    """What an author of a Faust agent would write around the pipeline."""

    pipeline: Pipeline
    rows: Any
    updates: Any

    async def handle(self, event: Any) -> None:
        """Fold one event, write the row, send the update."""
        message = event.message
        record = FileRecord(
            message.offset, int(message.timestamp * 1000), event.value, message.topic, message.partition, event.key
        )
        partition = message.partition
        outcome = await self.pipeline.process({partition: [record]}, ProcessingContext(rows=self))
        result = outcome.partitions[partition]
        for key, row in result.rows.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        for key, update in result.updates.items():
            await self.updates.send(key=key, value=update)

    def get_many(self, _partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """Implements StoredRows."""
        return [self.rows.get(key) for key in keys]


def main(broker: str, topic: str, group: str, output: str, events: str) -> None:
    """Fold and score every event by itself."""
    app = faust_app.create(broker, group)
    source = app.topic(topic, **faust_app.RAW)
    rows = app.Table("rows", partitions=4, key_type=bytes, value_type=bytes)
    step = PerEvent(_pipeline(), rows, app.topic(output, partitions=4, **faust_app.RAW))

    async def students(stream: Any) -> None:
        handled = 0
        async for event in stream.events():
            if not handled:
                faust_app.say(first_s=time.time())
            elif handled == int(events):
                await asyncio.Event().wait()
            await step.handle(event)
            handled += 1

    app.agent(source, name="students")(students)
    faust_app.run(app)


def _pipeline() -> Pipeline:
    def fail(source: str, error: BaseException) -> None:
        sys.stderr.write(f"source {source} failed: {error!r}\n")

    return Pipeline(load_skills("default"), load_artifact("default"), on_failure=fail)


if __name__ == "__main__":
    main(*sys.argv[1:6])

"""`skillstream worker`, saying when it is handed its first record, what it takes a step, and how it recovers.

Settings: the environment. Nothing else of it is changed: the pipeline's call is wrapped, which costs a line of output a
step, and the table's two methods, the first of which is unwrapped after its first call.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from faust.types import TP

from agents.cli import main
from agents.delivery.faust.table import RowTable
from schemas.dialects import Record
from streams.context import ProcessingContext
from streams.pipeline import BatchOutcome, Pipeline

_process = Pipeline.process
_changelog = RowTable.on_changelog_event
_recovered = RowTable.on_recovery_completed


_counted: dict[str, int] = {}


async def _counting(
    pipeline: Pipeline, records: Mapping[int, Sequence[Record]], context: ProcessingContext
) -> BatchOutcome:
    if not _counted:
        say(first_s=time.time())
        _counted.update(steps=0, stepped=0)
    outcome = await _process(pipeline, records, context)
    _counted["steps"] += 1
    _counted["stepped"] += sum(result.taken for result in outcome.partitions.values())
    say(**_counted)
    return outcome


async def _first_of_changelog(table: RowTable, event: Any) -> None:
    say(recovering_s=time.time())
    setattr(RowTable, "on_changelog_event", _changelog)  # noqa: B010
    await _changelog(table, event)


async def _each_recovery(table: RowTable, active: set[TP], standby: set[TP]) -> None:
    await _recovered(table, active, standby)
    say(recovered_s=time.time(), rows=len(table.rows), partitions=len(active))


def say(**values: Any) -> None:
    """Tell whoever measures."""
    print(json.dumps(values), flush=True)  # noqa: T201


if __name__ == "__main__":
    setattr(Pipeline, "process", _counting)  # noqa: B010
    setattr(RowTable, "on_changelog_event", _first_of_changelog)  # noqa: B010
    setattr(RowTable, "on_recovery_completed", _each_recovery)  # noqa: B010
    sys.argv[1:] = ["worker"]
    main()

"""`skillstream worker`, saying when it is handed its first record and how it recovers. Settings: the environment.

Nothing else of it is changed: the step and the table's two methods are wrapped, and unwrapped after their first call.
"""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from aiokafka.structs import ConsumerRecord
from faust.types import TP

from agents.cli import main
from agents.delivery.faust.table import RowTable
from agents.delivery.step import BatchResult
from agents.worker.student_step import StudentStep

_step = StudentStep.__call__
_changelog = RowTable.on_changelog_event
_recovered = RowTable.on_recovery_completed


async def _first_step(step: StudentStep, partition: int, records: Sequence[ConsumerRecord]) -> BatchResult:
    say(first_s=time.time())
    setattr(StudentStep, "__call__", _step)  # noqa: B010
    return await _step(step, partition, records)


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
    setattr(StudentStep, "__call__", _first_step)  # noqa: B010
    setattr(RowTable, "on_changelog_event", _first_of_changelog)  # noqa: B010
    setattr(RowTable, "on_recovery_completed", _each_recovery)  # noqa: B010
    sys.argv[1:] = ["worker"]
    main()

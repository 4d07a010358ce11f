"""`skillstream capacity` held against one worker: its constants measured again on two sizes, and a larger run foretold.

Prints what the runs come to, as the constants stand in `agents/operations/capacity/costs.py`, and how far off the plan
is on the larger run.
"""

import sys
from typing import Final

import numpy as np

from agents.operations.capacity import costs
from agents.operations.capacity.record_sizes import row_record_bytes, student_memory_bytes, update_record_bytes
from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import PARTITIONS
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.one_worker import Load, Spent, spend
from tests.benchmarks.record_tables import record_tables
from tests.benchmarks.sizes import Sizes

NAME: Final = "capacity"
_FITTED: Final = (Load(2_000, 100_000), Load(20_000, 200_000))
_LARGER: Final = Load(60_000, 1_000_000)
_KNOWN_IDS: Final = 2_000
_AT_MOST: Final = Target("at most", 25, of="value")


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """The constants of the smaller runs, and the plan's error on the larger one."""
    tables = record_tables()
    sys.stderr.write(f"  {tables}\n")
    fitted = [_told(spend(kafka, load)) for load in _FITTED]
    event_s, student_s = _fit(fitted)
    larger = _told(spend(kafka, Load(_LARGER.students, min(_LARGER.events, sizes.events))))
    foretold = _foretold(larger)
    return [
        rounds.figure(f"{NAME}.event_cpu", "µs of CPU an event, fitted", [event_s * 1e6]),
        rounds.figure(f"{NAME}.student_cpu", "µs of CPU a changed student, fitted", [student_s * 1e6]),
        rounds.figure(f"{NAME}.start", "s until the changelog is read", [larger.start_s]),
        *(_compared(rounds, what, larger, *values) for what, values in foretold.items()),
    ]


def _fit(runs: list[Spent]) -> tuple[float, float]:
    """CPU seconds of an event and of a changed student; a step's are taken as they stand."""
    counts = np.array([[run.load.events, run.updates] for run in runs], dtype=float)
    took = np.array([run.cpu_s - run.steps * costs.STEP_CPU_S for run in runs])
    event_s, student_s = np.linalg.lstsq(counts, took, rcond=None)[0]
    return float(event_s), float(student_s)


def _foretold(run: Spent) -> dict[str, tuple[float, float, str]]:
    """(what the plan says, what was measured, its unit). Histories grow from step to step; sizes are their mean."""
    each = run.load.events / run.load.students
    histories = [each * step / run.steps for step in range(1, run.steps + 1)]
    batch = run.updates / run.steps / PARTITIONS
    rows = float(np.mean([row_record_bytes(events, batch, _KNOWN_IDS) for events in histories]))
    updates = float(np.mean([update_record_bytes(events, batch) for events in histories]))
    cpu_s = run.load.events * costs.EVENT_CPU_S + run.updates * costs.STUDENT_CPU_S + run.steps * costs.STEP_CPU_S
    memory = costs.PROCESS_BYTES + costs.BATCH_BYTES + run.load.students * student_memory_bytes(each, _KNOWN_IDS)
    return {
        "cpu": (cpu_s, run.cpu_s, "s of CPU"),
        "changelog": (rows, run.row_bytes, "bytes a row"),
        "updates": (updates, run.update_bytes, "bytes an update"),
        "memory": (memory / 1e6, run.peak_bytes / 1e6, "MB at the peak"),
        "recovery": (run.restored / costs.RESTORED_ROWS_PER_S, run.restored_s, "s to restore"),
    }


def _compared(rounds: Rounds, what: str, run: Spent, foretold: float, measured: float, unit: str) -> Figure:
    off_percent = abs(foretold / measured - 1) * 100
    said = f"% off: {foretold:,.1f} {unit} foretold, {measured:,.1f} measured, {run.load.students:,} students"
    target = None if what == "recovery" else _AT_MOST
    return rounds.figure(f"{NAME}.{what}", said, [off_percent], target=target)


def _told(run: Spent) -> Spent:
    sys.stderr.write(f"  {run}\n")
    return run

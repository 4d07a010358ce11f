"""What the dashboard costs a worker, in CPU time of its event loop: `python -m tests.benchmarks.dashboard`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter, process_time

import orjson

from agents.dashboard.figures import PAST_STEP_S, written
from agents.dashboard.group import group_view
from agents.dashboard.level_sample import LevelSample
from agents.dashboard.page import parts
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay, batches
from streams.rows.table import PartitionedRows
from streams.simulation import simulate
from streams.skills.skills_file import load_skills
from tests.agents.dashboard_groups import NOW_S, figures, whole_group
from tests.agents.situation import Situation
from tests.agents.test_dashboard import Dashboard
from tests.events import fail_source

_STUDENTS = 5_000
_EVENTS = 20_000


async def main() -> None:
    """Print a line each."""
    await _sample()
    members = whole_group()
    _say("draw a group of 3 workers", _mean_ms(lambda: parts(group_view(members, NOW_S)), 50), "ms")
    _say("document of one worker", len(orjson.dumps(written(figures(0)))) / 1024, "KiB")
    dashboard = Dashboard(Situation())

    def step() -> None:
        dashboard.now_s += PAST_STEP_S
        dashboard.gathering.note_step()

    _say("note a step", _mean_ms(step, 300), "ms")
    began_s = process_time()
    for _ in range(20):
        await dashboard.gathering.now()
    _say("gather one worker's figures", (process_time() - began_s) / 20 * 1e3, "ms")


async def _sample() -> None:
    pipeline = Pipeline(load_skills("default"), load_artifact("default"), on_failure=fail_source)
    replay, rows = Replay(pipeline), PartitionedRows()
    events = enumerate(simulate(_STUDENTS, _EVENTS, seed=3, faults=0))
    for batch in batches(FileRecord(at, 1_800_000_000_000, each.value, key=each.key) for at, each in events):
        await replay.feed(batch)
    for number, (key, row) in enumerate(replay.rows.items(0)):
        rows.put(number % 4, key, row)
    await LevelSample(rows, pipeline, lambda: range(4)).now()  # what is made once is made
    sample, began_s = LevelSample(rows, pipeline, lambda: range(4)), process_time()
    longest_s = await _longest_turn_s(sample.now)
    _say("sample 500 students' levels", (process_time() - began_s) * 1e3, "ms")
    _say("  its longest turn", longest_s * 1e3, "ms")


async def _longest_turn_s(work: Callable[[], Awaitable[object]]) -> float:
    """For how long `work` kept others waiting at most."""
    longest_s, working = 0.0, asyncio.ensure_future(work())
    while not working.done():
        began_s = perf_counter()
        await asyncio.sleep(0)
        longest_s = max(longest_s, perf_counter() - began_s)
    return longest_s


def _mean_ms(work: Callable[[], object], times: int) -> float:
    began_s = process_time()
    for _ in range(times):
        work()
    return (process_time() - began_s) / times * 1e3


def _say(what: str, number: float, unit: str) -> None:
    sys.stdout.write(f"{what:<32}{number:>8.2f} {unit}\n")


if __name__ == "__main__":
    asyncio.run(main())

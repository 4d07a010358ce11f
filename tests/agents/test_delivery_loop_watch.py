"""An event loop that stands still ends the process, even where no Python thread can run."""

import asyncio
import subprocess
import sys
import time

import pytest

from agents.delivery import loop_watch
from agents.delivery.loop_watch import LoopWatch

PROGRAM = """
import asyncio
import time
from agents.delivery import loop_watch

loop_watch._GRACE_S = 8.0

async def main():
    async with loop_watch.LoopWatch(2.0, 4).watching():
        await asyncio.sleep(3.0)  # longer than the bound, in order: the loop runs
        print("alive", flush=True)
        {stuck}
    print("left", flush=True)
    time.sleep(2)

asyncio.run(main())
"""
BUSY = "while True: pass"
HOLDING_THE_INTERPRETER = 'import re; re.match(r"(a+)+$", "a" * 64 + "b")'


@pytest.mark.parametrize(
    ("stuck", "code", "said"),
    [
        (BUSY, 4, "in main"),
        ("time.sleep(600)", 4, "in main"),
        (HOLDING_THE_INTERPRETER, 1, "Timeout (0:00:10"),
        ("pass", 0, ""),
    ],
)
def test_a_loop_that_stands_still_ends_the_process_with_a_stack(stuck: str, code: int, said: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(stuck=stuck)], capture_output=True, text=True, timeout=300, check=False
    )

    assert run.returncode == code, run.stderr
    assert "alive" in run.stdout
    assert said in run.stderr
    assert ("left" in run.stdout) == (code == 0)


async def test_time_in_which_all_of_the_process_stood_still_is_not_held_against_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing has run for an hour, and the thread that watches is the first that does."""
    ended: list[int] = []
    later_s = 0.0
    monkeypatch.setattr(loop_watch, "monotonic", lambda: time.monotonic() + later_s)

    async with LoopWatch(2.0, 4, die=ended.append).watching():
        await asyncio.sleep(0)
        later_s = 3600.0
        time.sleep(0.5)  # noqa: ASYNC251  some turns of the thread, before the loop has one

    assert ended == []


async def test_the_longest_block_of_the_loop_is_told_and_shorter_ones_behind_it_are_not() -> None:
    noted: list[float] = []
    found = asyncio.Event()

    def note(seconds: float) -> None:
        noted.append(seconds)
        if seconds > 0.5:
            found.set()

    async with LoopWatch(60.0, 4, blocked=note).watching():
        await asyncio.sleep(0)
        time.sleep(0.6)  # noqa: ASYNC251  the block that is to be found
        await asyncio.wait_for(found.wait(), 60)

    assert noted == sorted(noted), "only what was longer than all before it"

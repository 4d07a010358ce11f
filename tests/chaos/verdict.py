"""The verdict of `skillstream verify`, asked as an operator would: the command, its exit code, its last line."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tests.agents.deployment import Deployment
from tests.agents.environment import environment

_TIMEOUT_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verify found; not `complete` where it could not judge everything, which is not ok either. `notes` say
    what that was, and what else an operator should know.
    """

    ok: bool
    complete: bool
    lost: int
    double_applied: int
    stale_rows: int
    unaccounted: int
    differences: Sequence[Any]
    notes: Sequence[str]

    @property
    def differs(self) -> bool:
        """Whether anything was found, complete or not."""
        return bool(self.lost or self.double_applied or self.stale_rows or self.unaccounted)

    @property
    def norms(self) -> int:
        """Sums and norms that are not those of the input, of the differences that are shown."""
        return sum(each["kind"] == "norms" for each in self.differences)

    @property
    def unjudged_sums(self) -> Sequence[str]:
        """Why sums of items, or some, could not be judged."""
        return [note for note in self.notes if "sums of items" in note]

    def __str__(self) -> str:
        counts = f"lost {self.lost}, double {self.double_applied}, stale {self.stale_rows}"
        found = f"{counts}, unaccounted {self.unaccounted}, complete: {self.complete}"
        return f"{found}; {orjson.dumps(list(self.differences)[:3]).decode()}" if self.differences else found


def verdict_of(deployment: Deployment) -> Verdict:
    """Runs verify on what a deployment left behind. AssertionError when it cannot judge. Blocks."""
    done = skillstream("verify", "--json", settings=deployment.given())
    assert done.returncode in (0, 1), f"verify ended with {done.returncode}: {done.stderr[-1500:]}"
    said: dict[str, Any] = orjson.loads(done.stdout.strip().splitlines()[-1])
    assert said["ok"] == (done.returncode == 0), f"verify says ok: {said['ok']}, and ends with {done.returncode}"
    return Verdict(
        ok=said["ok"],
        complete=said["complete"],
        lost=said["lost"],
        double_applied=said["double_applied"],
        stale_rows=said["stale_rows"],
        unaccounted=said["unaccounted"],
        differences=said.get("differences", []),
        notes=said["notes"],
    )


def skillstream(
    *arguments: str, settings: Mapping[str, object], answer: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Runs a command of ours to its end, with the workers' `settings`; `answer` is what it reads. Blocks."""
    return subprocess.run(
        [sys.executable, "-m", "agents.cli", *arguments],
        env=environment(settings),
        input=answer,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )

"""A contestant's process: its own session of logs, and what it says on standard output, a JSON object a line."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.benchmarks.datasets import ROOT

_TAIL_LINES: Final = 25
_COLD: Final = {name: value for name, value in os.environ.items() if not name.startswith("SKILLSTREAM_")}


class BenchmarkFailed(Exception):
    """A contestant ended, hung, or did not do what it was measured for; the message ends with its log's tail."""


@dataclass
class Contender:
    """One running process. `said` holds the last value of every name that it said."""

    name: str
    process: "subprocess.Popen[bytes]"
    out: Path
    log: Path
    said: dict[str, float] = field(default_factory=dict)
    _heard_bytes: int = 0

    @classmethod
    def start(
        cls, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, tree: Path = ROOT
    ) -> "Contender":
        """Start `command` at the root of a checkout, its output in `folder`."""
        out, log = folder / f"{name}.out", folder / f"{name}.log"
        with out.open("wb") as output, log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                env={**_COLD, **environment},
                cwd=tree,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        return cls(name, process, out, log)

    def listen(self) -> dict[str, float]:
        """What it said so far. Raises BenchmarkFailed when it has ended."""
        if self.process.poll() is not None:
            raise BenchmarkFailed(f"{self.name} ended with {self.process.returncode}{self.tail()}")
        with self.out.open("rb") as output:
            output.seek(self._heard_bytes)
            said = output.read()
        whole = said[: said.rfind(b"\n") + 1]
        self._heard_bytes += len(whole)
        for line in whole.splitlines():
            if line.startswith(b"{") and line.endswith(b"}"):
                self.said.update(json.loads(line))
        return self.said

    def end(self) -> None:
        """SIGKILL: whatever is measured of it has been."""
        self.process.kill()
        self.process.wait()

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(["", f"--- the end of {self.log.name}", *lines])

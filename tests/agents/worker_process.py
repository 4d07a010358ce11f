"""`skillstream worker` as a process of its own: started with settings, asked over its pages, stopped or killed."""

import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import orjson

from tests.agents.delivery_cluster import until
from tests.agents.environment import environment

START_TIMEOUT_S: Final = 240.0
EXIT_TIMEOUT_S: Final = 180.0
_ASK_TIMEOUT_S: Final = 60.0
_PAGES: Final = re.compile(r"Pages at (https?://\S+)/")
_SAMPLE: Final = re.compile(r"^(skillstream_\w+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)


def peak_bytes(process: int) -> int:
    """The most memory that a process ever held. Linux."""
    status = Path(f"/proc/{process}/status").read_text()
    [size_kib] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(size_kib) * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of a worker's web server."""

    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body, an object."""
        document: dict[str, Any] = orjson.loads(self.body)
        return document


class WorkerProcess:
    """One run of the command `worker`, its output kept in a file. `settings` are SKILLSTREAM_ names without it.

    `program` is the module that runs it, from `tree` where it is another checkout of ours.
    """

    def __init__(
        self,
        settings: Mapping[str, object],
        log: Path,
        variables: Mapping[str, str] | None = None,
        program: str = "agents.cli",
        tree: Path | None = None,
    ) -> None:
        self.log_path = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", program, "worker"],
                cwd=tree,
                env=environment(settings, variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        """All that it wrote so far."""
        return self.log_path.read_text("utf-8", "replace")

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    @property
    def url(self) -> str:
        """Where its pages are. Waits until it says so; fails if it ends before."""
        self._await(lambda: _PAGES.search(self.log) is not None, "the worker says where its pages are")
        said = _PAGES.search(self.log)
        assert said is not None
        return said[1]

    @property
    def peak_bytes(self) -> int:
        """The most memory that it ever held. Linux."""
        return peak_bytes(self.process.pid)

    def get(self, path: str) -> Page:
        """An answer, whatever its status."""
        try:
            with urlopen(self.url + path, timeout=_ASK_TIMEOUT_S) as answer:
                return Page(answer.status, answer.read())
        except HTTPError as refused:
            with refused:
                return Page(refused.code, refused.read())

    def metrics(self) -> dict[str, float]:
        """Its samples by name and labels, without `skillstream_`; empty where it does not answer."""
        try:
            text = self.get("/metrics").body.decode()
        except (URLError, OSError):
            return {}
        return {name.removeprefix("skillstream_"): float(value) for name, value in _SAMPLE.findall(text)}

    def events(self, outcome: str) -> int:
        """How many events came to `outcome`, by its own count."""
        return int(self.metrics().get(f'events_total{{outcome="{outcome}"}}', 0))

    def await_ready(self) -> None:
        """Return when its table is restored and it does its job."""
        self._await(lambda: self.get("/ready").status == 200, "the worker is ready")

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.exit_code()

    def kill(self) -> None:
        """SIGKILL, as the kernel would for want of memory. Fails if it had ended before, by itself."""
        assert self.alive, f"ended by itself:\n{self.tail()}"
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()

    def exit_code(self, timeout_s: float = EXIT_TIMEOUT_S) -> int:
        """Wait for the end."""
        return self.process.wait(timeout_s)

    def tail(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.splitlines()[-15:])

    def _await(self, condition: Any, what: str) -> None:
        def holds() -> bool:
            assert self.alive, f"ended with {self.process.returncode}, awaited: {what}\n{self.tail()}"
            return bool(condition())

        until(holds, what, START_TIMEOUT_S)

"""`skillstream gateway` as a process of its own: started with settings, stopped or killed."""

import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from tests.agents.delivery_cluster import until
from tests.agents.environment import environment
from tests.agents.worker_process import peak_bytes

_WHERE: Final = re.compile(r"Gateway at http://127\.0\.0\.1:(\d+)/")
_PATIENCE_S: Final = 60.0


class GatewayProcess:
    """One run of the command `gateway`, its output kept in a file. `settings` are SKILLSTREAM_ names without it."""

    def __init__(self, settings: Mapping[str, object], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agents.cli", "gateway"],
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            until(
                lambda: self.process.poll() is not None or _WHERE.search(self._said) is not None, "it says where it is"
            )
            assert self.process.poll() is None, f"the gateway ended with {self.process.returncode}: {self._said}"
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()

    @property
    def port(self) -> int:
        """Where it listens."""
        found = _WHERE.search(self._said)
        assert found is not None, self._said
        return int(found[1])

    def end(self, number: signal.Signals) -> int:
        """Send it a signal; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(_PATIENCE_S)

    @property
    def peak_bytes(self) -> int:
        """The most memory that it ever held. Linux."""
        return peak_bytes(self.process.pid)

    @property
    def _said(self) -> str:
        return self._log.read_text("utf-8", "replace")

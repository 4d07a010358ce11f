"""A server as a child process: started, awaited until it answers, stopped or killed, its log kept.

Children stay in the parent's process group, so that an interrupt at the terminal, or whoever ends the group,
reaches them too; only a `detached` child outlives its parent.
"""

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

_TAIL_LINES = 40
_POLL_S = 0.05
_TRIES = 3


class ServerMissing(Exception):
    """A program that the server needs is not installed; the message says what to install."""


class ServerFailed(Exception):
    """The server did not come up, or did not go; the message ends with the tail of its log."""


class PortTaken(ServerFailed):
    """Someone else bound the chosen port first; another one may be tried."""


class Child:
    """One server process at a time, all of whose runs append to one log file."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._run_starts_at = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; ServerFailed when none was started."""
        if self._process is None:
            raise ServerFailed(f"{self.name} was never started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs; reaps it when it has ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, argv: Sequence[str], *, detached: bool = False, inherit: Sequence[int] = ()) -> None:
        """Starts the process with no input, its output appended to the log.

        `detached` puts it in a session of its own; `inherit` names descriptors that it keeps open.
        """
        with self.log.open("ab") as log:
            self._run_starts_at = log.tell()
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=detached,
                pass_fds=inherit,
            )

    def await_answer(self, answers: Callable[[], bool], timeout_s: float) -> None:
        """Blocks until `answers()`; ServerFailed (PortTaken if that is why) when it ends or time is up."""
        deadline = time.monotonic() + timeout_s
        while not answers():
            if not self.alive:
                raise self._ended()
            if time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"{self.name} did not answer within {timeout_s:.0f} s\n{self.tail()}")
            time.sleep(_POLL_S)

    def stop(self, grace_s: float) -> None:
        """Asks it to end (SIGTERM), if it runs; after `grace_s` kills it and raises ServerFailed."""
        if self._process is None or not self.alive:
            return
        self._process.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"{self.name} did not stop within {grace_s:.0f} s\n{self.tail()}") from None

    def kill(self) -> None:
        """Ends it at once (SIGKILL), as a crash would, and reaps it; does nothing when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def signal(self, number: int) -> None:
        """Sends it a signal; does nothing when it has ended."""
        if self._process is not None:
            self._process.send_signal(number)

    def release(self) -> int:
        """Leaves the running process to itself and returns its id."""
        pid = self.pid
        if self._process is not None:
            # Without an exit code, Popen's finalizer would warn that the process still runs: as it should.
            self._process.returncode = 0
            self._process = None
        return pid

    def tail(self) -> str:
        """The last lines of the log, under a heading that says where it is."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join([f"--- the end of {self.log}", *text.splitlines()[-_TAIL_LINES:]])

    def _ended(self) -> ServerFailed:
        code = self._process.returncode if self._process is not None else None
        said = self.log.read_bytes()[self._run_starts_at :]
        kind = PortTaken if b"Address already in use" in said else ServerFailed
        return kind(f"{self.name} ended with code {code} before it answered\n{self.tail()}")


def on_free_ports(start: Callable[[], None]) -> None:
    """Calls `start`, which chooses free ports, up to three times while someone else binds one first; then PortTaken."""
    for _ in range(_TRIES - 1):
        with suppress(PortTaken):
            start()
            return
    start()


def run(argv: Sequence[str], what: str) -> None:
    """Runs a program to its end; ServerFailed with its output when it fails."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()[-_TAIL_LINES:]
        raise ServerFailed("\n".join([f"{what} failed with code {done.returncode}", *lines]))

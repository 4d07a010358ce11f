"""A worker under a supervisor: started again when it ends; ends that may not be are a failure."""

import math
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from urllib.error import URLError

import msgspec

from tests.agents.worker_process import WorkerProcess
from tests.chaos.fault import VARIABLE, Fault

Start = Callable[..., WorkerProcess]
FAULTY: Final = "tests.chaos.faulty_worker"
_BACKOFF_S: Final = 0.5
_LOUD_STOP: Final = 4
_EXPELLED: Final = "membership in the group failed"
_MOST_RESTARTS: Final = 60
_STOP_TIMEOUT_S: Final = 45.0


class Supervised:
    """One place for a worker. `exit_codes`: how a run may end by itself; `is_row`: it is started again then.

    Each of its next runs has the next of its `faults`, None none, and is then of the program `faulty`; `deaths` counts
    the runs that ended of theirs.
    """

    def __init__(
        self, start: Start, settings: dict[str, object], faults: Sequence[Fault | None] = (), faulty: str = FAULTY
    ) -> None:
        self._start = start
        self._faulty = faulty
        self.settings = settings
        self.exit_codes: set[int] = set()
        self.ended: list[int] = []
        self.restarts = 0
        self.deaths = 0
        self.expelled = 0
        self.faults = list(faults)
        self._fault: Fault | None = None
        self.is_row = True
        self._down_since_s: float | None = None
        self._replayed = 0
        self._is_killed = False
        self.process: WorkerProcess
        self._run()

    def may_end(self, *codes: int) -> None:
        """From now on these exit codes are no failure."""
        self.exit_codes.update(codes)

    # -- what is done to it

    def start(self, **settings: object) -> None:
        """Starts it where it is down."""
        assert not self.process.alive, "it runs already"
        self.settings |= settings
        self.is_row = True
        self._run()

    def kill(self) -> None:
        """SIGKILL; the supervisor starts it again."""
        self._count()
        self._is_killed = True
        self.process.kill()

    def kill_for_good(self) -> None:
        """SIGKILL; it stays down."""
        self.is_row = False
        self.kill()

    def terminate(self) -> float:
        """SIGTERM, after which it stays down; how long it took, in s. Fails unless it ends in time, with 0."""
        self.is_row = False
        self._count()
        from_s = time.monotonic()
        self.process.process.send_signal(signal.SIGTERM)
        code = self.process.exit_code(_STOP_TIMEOUT_S)
        assert code == 0, f"SIGTERM: it ended with {code}, 0 was due\n{self.process.tail()}"
        return time.monotonic() - from_s

    def pause(self) -> None:
        """SIGSTOP."""
        self.process.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self.process.process.send_signal(signal.SIGCONT)

    # -- what is true of it

    @property
    def has_started(self) -> bool:
        """Whether it runs, and has come so far as to show its pages."""
        return self.process.alive and "Pages at" in self.process.log

    @property
    def is_paused(self) -> bool:
        """Whether it stopped itself, or was stopped, by SIGSTOP."""
        with suppress(OSError), open(f"/proc/{self.process.process.pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"
        return False

    @property
    def owns(self) -> int:
        """Partitions that it owns and has restored; 0 where it does not answer."""
        return int(self._metrics().get("partitions_owned", 0))

    @property
    def knows_its_lag(self) -> bool:
        """Whether it tells how far the group is behind; without that no stall is found."""
        return any(name.startswith("consumer_lag_records{") for name in self._metrics())

    @property
    def longest_block_s(self) -> float:
        """For how long its event loop stood still at most, by its own measure. Fails where it does not answer."""
        return self._metrics()["loop_longest_block_seconds"]

    def metric(self, name: str) -> float:
        """What it says now; NaN where it does not answer, or has no such."""
        return self._metrics().get(name, math.nan)

    def sum_of(self, beginning: str) -> float:
        """Of all samples whose name and labels begin so; 0 where it does not answer."""
        return sum(value for name, value in self._metrics().items() if name.startswith(beginning))

    @property
    def replayed(self) -> int:
        """Records that were read again, by the workers' own counts as far as those could be asked."""
        return self._replayed + (self._replayed_now() if self.process.alive and not self.is_paused else 0)

    def tend(self) -> None:
        """Starts it again where it ended; AssertionError when it may not have, or does so for ever."""
        if not self.is_row or self.process.alive:
            return
        if self._down_since_s is None:
            self._note_end()
            self._down_since_s = time.monotonic()
        elif time.monotonic() - self._down_since_s > _BACKOFF_S:
            assert self.restarts < _MOST_RESTARTS, f"restarted {self.restarts} times\n{self.process.tail()}"
            self.restarts += 1
            self._run()

    def _note_end(self) -> None:
        code = self.process.exit_code()
        self.ended.append(code)
        of_fault = self._fault.exit_codes if self._fault else frozenset()
        self.deaths += code in of_fault
        if code in self.exit_codes | of_fault or (self._is_killed and code == -signal.SIGKILL):
            return
        if code == _LOUD_STOP and _EXPELLED in self.process.log:
            self.expelled += 1  # a machine too slow for its heartbeats: the worker is right to stop
            return
        raise AssertionError(f"it ended by itself with {code}, which was not due\n{self.process.tail()}")

    def _run(self) -> None:
        self._fault = fault = self.faults.pop(0) if self.faults else None
        self._down_since_s = None
        self._is_killed = False
        if fault is None:
            self.process = self._start(**self.settings)
            return
        noted = {VARIABLE: msgspec.json.encode(fault).decode()}
        self.process = self._start(noted, program=self._faulty, **self.settings)

    def _count(self) -> None:
        self._replayed += self._replayed_now()

    def _replayed_now(self) -> int:
        return int(self._metrics().get('events_total{outcome="replayed"}', 0))

    def _metrics(self) -> dict[str, float]:
        if not self.process.alive or "Pages at" not in self.process.log:
            return {}
        with suppress(URLError, OSError, AssertionError):
            return self.process.metrics()
        return {}

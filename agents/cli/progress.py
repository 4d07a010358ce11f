"""How far a long reading is: a bar on a terminal; elsewhere a line now and then, so that a log shows it goes on."""

import time
from types import TracebackType
from typing import Final, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.cli.console import stderr

EVERY_S: Final = 10.0
_MIB: Final = 1 << 20


class ByteProgress:
    """Of `total` bytes, None where that is not known; says nothing where a program reads (`quiet`)."""

    def __init__(self, what: str, total: int | None, *, quiet: bool = False) -> None:
        self._what, self._total, self._quiet = what, total, quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=stderr,
            disable=quiet or not stderr.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(what, total=total or None)
        self._done = 0
        self._began_s = self._said_s = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, size: int) -> None:
        """`size` more bytes were read."""
        self._done += size
        self._bar.advance(self._task, size)
        if not (self._quiet or stderr.is_terminal) and (now_s := time.monotonic()) - self._said_s >= EVERY_S:
            self._said_s = now_s
            share = f"{self._done / self._total:.0%} of {self._total / _MIB:,.0f} MiB" if self._total else ""
            far = share or f"{self._done / _MIB:,.0f} MiB"
            stderr.print(f"{self._what}: {far}, {now_s - self._began_s:.0f} s", soft_wrap=True)


class RecordProgress:
    """The same of records, of which one is told how many there are."""

    def __init__(self, what: str, *, quiet: bool = False) -> None:
        self._what, self._quiet = what, quiet or stderr.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=stderr,
            disable=quiet or not stderr.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(what, total=None)
        self._began_s = self._said_s = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, done: int, of: int) -> None:
        """`done` are read."""
        self._bar.update(self._task, completed=done, total=of)
        if not self._quiet and (now_s := time.monotonic()) - self._said_s >= EVERY_S:
            self._said_s = now_s
            stderr.print(f"{self._what}: {done:,} of {of:,}, {now_s - self._began_s:.0f} s", soft_wrap=True)

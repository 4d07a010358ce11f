"""How far something long is: a bar on a terminal; elsewhere a line now and then, so that a log shows it goes on."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.cli.console import stderr

EVERY_S: Final = 10.0
_MIB: Final = 1 << 20


def in_bytes(done: int, total: int | None) -> str:
    """How many bytes are done, in words."""
    return f"{done / total:.0%} of {total / _MIB:,.0f} MiB" if total else f"{done / _MIB:,.0f} MiB"


def in_counts(done: int, total: int | None) -> str:
    """How many are done, in words."""
    return f"{done:,} of {total:,}" if total else f"{done:,}"


class Headway:
    """Of `total` steps, None where that is not known; says nothing where a program reads (`quiet`)."""

    def __init__(
        self,
        what: str,
        total: int | None,
        *,
        quiet: bool = False,
        shown: Callable[[int, int | None], str] = in_counts,
    ) -> None:
        self._what, self._total, self._quiet, self._shown = what, total or None, quiet, shown
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=stderr,
            disable=quiet or not stderr.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(what, total=self._total)
        self._done = 0
        self._began_s = self._said_s = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, steps: int = 1) -> None:
        """`steps` more are done."""
        self.tell(self._done + steps, self._total)

    def tell(self, done: int, of: int | None) -> None:
        """So many are done, of so many."""
        self._done, self._total = done, of
        if stderr.is_terminal:
            self._bar.update(self._task, completed=done, total=of)
        elif not self._quiet and (now_s := time.monotonic()) - self._said_s >= EVERY_S:
            self._said_s = now_s
            far = self._shown(done, of)
            stderr.print(f"{self._what}: {far}, {now_s - self._began_s:.0f} s", markup=False, soft_wrap=True)

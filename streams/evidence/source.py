"""What a source of evidence is, and what it says.

A fourth source is a class with a `name` and a `judge`, and a line where the pipeline is built.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.errors import Retryable
from streams.row import Row


class Status(IntEnum):
    """Why a source's column is empty, or that it is not."""

    ABSENT = 0
    OK = 1
    STALE = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one source says; every array has shape (students, skills).

    `p` is a probability in (0, 1), NaN where absent; `n` the effective sample size; `age_s` the age of the newest
    evidence, at the row's `as_of`.
    """

    p: NDArray[np.float64]
    n: NDArray[np.float64]
    age_s: NDArray[np.float64]
    status: NDArray[np.int8]

    @classmethod
    def empty(cls, students: int, skills: int, status: Status = Status.ABSENT) -> "Opinion":
        """An opinion that says nothing, because of `status`."""
        shape = (students, skills)
        return cls(
            p=np.full(shape, np.nan),
            n=np.zeros(shape),
            age_s=np.zeros(shape),
            status=np.full(shape, status, np.int8),
        )


class Source(Protocol):
    """A source of evidence. `judge` may raise or be slow: the collection has a deadline and takes either as failure."""

    @property
    def name(self) -> str: ...

    async def judge(self, rows: Sequence[Row]) -> Opinion:
        """Judge every row for every skill. Reads rows, never changes them."""
        ...


class SourceBusy(Retryable):
    """The former batch's call, given up at its deadline, is still running."""


class OwnThread:
    """One thread for a source that computes, so that its deadline holds and late work cannot pile up."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"evidence-{name}")
        self._running: asyncio.Future[Opinion] | None = None

    async def run(self, compute: "Compute", rows: Sequence[Row]) -> Opinion:
        """Compute in the thread. Raises SourceBusy while an earlier, abandoned call holds it."""
        if self._running is not None and not self._running.done():
            raise SourceBusy("the former call is still running")
        self._running = asyncio.get_running_loop().run_in_executor(self._executor, compute, rows)
        return await asyncio.shield(self._running)


class Compute(Protocol):
    """A plain function from rows to an opinion."""

    def __call__(self, rows: Sequence[Row], /) -> Opinion: ...

"""What a source of evidence is, and what it says.

A fourth source is a class with a `name` and a `judge`, and a line where the pipeline is built.
"""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.errors import Retryable
from streams.rows.row_batch import Block


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
    evidence, at the row's `as_of`. `shared` is the part of n, 0 to 1, that rests on facts which the model reads too.
    """

    p: NDArray[np.float64]
    n: NDArray[np.float64]
    age_s: NDArray[np.float64]
    status: NDArray[np.int8]
    shared: NDArray[np.float64]

    @classmethod
    def empty(cls, students: int, skills: int, status: Status = Status.ABSENT) -> "Opinion":
        """An opinion that says nothing, because of `status`."""
        shape = (students, skills)
        return cls(
            p=np.full(shape, np.nan),
            n=np.zeros(shape),
            age_s=np.zeros(shape),
            status=np.full(shape, status, np.int8),
            shared=np.zeros(shape),
        )


class Source(Protocol):
    """A source of evidence. `judge` may raise or be slow: the collection has a deadline and takes either as failure."""

    @property
    def name(self) -> str: ...

    async def judge(self, block: Block) -> Opinion:
        """Judge every line for every skill. Reads the block, never changes it."""
        ...


class SourceBusy(Retryable):
    """The former batch's call, given up at its deadline, is still running."""


class OwnThread:
    """One thread for a source that computes, so that its deadline holds and late work cannot pile up."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"evidence-{name}")
        self._abandoned: Future[Opinion] | None = None

    async def run(self, compute: "Compute", block: Block) -> Opinion:
        """Compute in the thread, after what other partitions' batches have asked for.

        Raises SourceBusy while an earlier call, given up at its deadline, still holds the thread.
        """
        if self._abandoned is not None and not self._abandoned.done():
            raise SourceBusy("the former call is still running")
        work = self._executor.submit(compute, block)
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            if not work.done():
                self._abandoned = work
            raise


class Compute(Protocol):
    """A plain function from a block to an opinion."""

    def __call__(self, block: Block, /) -> Opinion: ...

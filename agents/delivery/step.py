"""The step that delivery runs over each batch: what it is given, and what it returns."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from aiokafka.structs import ConsumerRecord

from streams.input.checkpoint import InputCheckpoint
from streams.norms.journal import Journaled

FETCHED_NS: Final[ContextVar[int]] = ContextVar("FETCHED_NS", default=0)
"""When the fetch that a step works on was handed over, by the wall clock; 0 is unknown."""


class Output(NamedTuple):
    """A record to produce, to a partition that is named; `timestamp_ms` None is now."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp_ms: int | None = None


def nothing_follows() -> None:
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a partition's batch changes: rows of that partition (None deletes), and records to produce, in order.

    A `checkpoint` is written behind the rows, and is confirmed like them before the batch is acknowledged. It is of the
    first `records` of the batch; None: of all. The step is called again for the rest. What is `awaited` is done before
    the batch is acknowledged, and stops the worker if it fails. `stored` is called when the rows are in the table,
    `confirmed` when the broker has confirmed all that was sent. `journaled` says which rows share a record batch, and
    what of the journal of norms closes it; None: the step kept none.
    """

    rows: Mapping[bytes, bytes | None]
    outputs: Sequence[Output]
    checkpoint: InputCheckpoint | None = None
    records: int | None = None
    stored: Callable[[], None] = nothing_follows
    confirmed: Callable[[], None] = nothing_follows
    journaled: Journaled | None = None
    awaited: Sequence["asyncio.Future[Any]"] = ()


Batches = Mapping[int, Sequence[ConsumerRecord]]
"""Records of one topic by partition, at least one of each, in offset order."""


class BatchStep(Protocol):
    """Folds what was fetched of one topic, all partitions at once. It may wait; it alone reads and changes rows
    meanwhile.

    It must be idempotent by offset: records are delivered again after a crash or a rebalance. What it raises
    stops the worker. A partition without a result is one of which nothing was taken: it comes again.
    """

    async def __call__(self, topic: str, batches: Batches, /) -> Mapping[int, BatchResult]: ...


class PartitionWriter(Protocol):
    """Runs a step of no record as a partition's only writer, and publishes what it changes: TableAgent."""

    async def apply(self, partition: int, step: Callable[[], Awaitable[BatchResult]]) -> bool: ...

"""What differs between a worker, a replay, training and a verification: handed to `Pipeline.process` as one object."""

import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeVar

from schemas.dialects import Record
from streams.folding.dead_letters import DeadRecord
from streams.folding.routing import any_partition
from streams.input.partitioner import OwningPartitionOfKey
from streams.rows.row_batch import RowBatch
from streams.rows.segments import StoredKey
from streams.rows.table import StoredRows
from streams.scoring.fusion import ScoredBatch

_T = TypeVar("_T")

Gate = Callable[[int, Sequence[Record], Sequence[DeadRecord]], Awaitable[None]]
"""Hears of a partition's records and of their dead letters before anything is scored. Raises to stop the batch."""
NotePending = Callable[[Sequence[StoredKey], ScoredBatch], RowBatch]
"""Marks which students are owed an explanation: the first rows of what was scored are those of the keys.

Returns the rows with the marks.
"""


StageName = Literal["decode", "fold", "score", "encode"]
Stage = Callable[[StageName], AbstractContextManager[object]]
"""Entered around each stage of a batch, wherever the executor does it."""


class Executor(Protocol):
    """Where the work of the stages is done."""

    async def run(self, work: Callable[[], _T]) -> _T:
        """What `work` returns. Raises what it raises."""
        ...

    async def run_async(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """What the coroutine that `work` makes returns. Raises what it raises."""
        ...


class Inline:
    """Does it at once, in the event loop's own thread."""

    async def run(self, work: Callable[[], _T]) -> _T:
        """See Executor."""
        return work()

    async def run_async(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """See Executor."""
        return await work()


INLINE: Final = Inline()
_UNWATCHED: Final = nullcontext()


async def open_gate(_partition: int, _records: Sequence[Record], _dead_letters: Sequence[DeadRecord]) -> None:
    """Lets any number of dead letters pass."""


def nothing_noted(_keys: Sequence[StoredKey], scored: ScoredBatch) -> RowBatch:
    """Leaves the rows as they are."""
    return scored.rows


def first_epoch(_partition: int) -> int:
    """Of a topic that was never created anew."""
    return 0


def no_attention(_partition: int) -> int:
    """Nothing is reported."""
    return sys.maxsize


def unwatched(_stage: StageName) -> AbstractContextManager[object]:
    """Nobody looks at the stages."""
    return _UNWATCHED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingContext:
    """`rows` are read, never written. `epoch_of` tells a partition's. Records are taken up to those of
    `most_students`, partition after partition.

    Unless it `scores`, no source is asked, no update written, and the rows keep the scores that they had. Of texts that
    may disclose harm those are reported whose offset is at least what `attention_from` says of their partition.
    """

    rows: StoredRows
    owning_partition: OwningPartitionOfKey = any_partition
    epoch_of: Callable[[int], int] = first_epoch
    most_students: int = sys.maxsize
    gate: Gate = open_gate
    note_pending: NotePending = nothing_noted
    executor: Executor = INLINE
    stage: Stage = unwatched
    scores: bool = True
    attention_from: Callable[[int], int] = no_attention

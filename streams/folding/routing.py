"""Routing a batch: which of its events are to be folded here, and what happens to the others. Pure.

events ──owned here?──► new to the row? ──► to be folded
             │                 ├─ no, at or below the row's offset: folded before a crash ──► re-emitted
             │                 ├─ no, before the ends of the student's erasure, or a navigation ──► ignored
             │                 └─ its record's time is absurd ──► dead letter
             └─ no ──► to the owning partition, as native events
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from schemas.bounds import EARLIEST_US, LATEST_US
from schemas.dialects import Invalid
from schemas.event import EARLIEST_TIME, NativeEvent, Navigation
from streams.folding.counts import Counts
from streams.folding.dead_letters import DeadRecord, dead_letters_of
from streams.folding.decoding import DecodedBatch
from streams.input.origin import CameFrom, Origin
from streams.input.partitioner import OwningPartitionOfKey
from streams.input.placement import owning_partitions
from streams.rows.erasure import RowErasure
from streams.rows.layout import Array, Indices
from streams.rows.row_batch import Integers
from streams.rows.segments import StoredKey


def any_partition(_key: bytes) -> None:
    """Every key belongs where it is."""


@dataclass(frozen=True, slots=True)
class Repartitioned:
    """An event for another partition; `origin` tells its owner that it came twice.

    It keeps its record's time, in ms: its student may have been erased by a version that knew but times.
    """

    partition: int
    key: bytes
    event: NativeEvent
    origin: CameFrom
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class RoutedEvents:
    """Events of their own partitions, in order. `offset` and time (µs) are their records'; `origins` are by event
    index.
    """

    events: Sequence[NativeEvent]
    row_index: Sequence[int]
    offset: Integers
    record_us: Integers
    origins: Mapping[int, Origin]


@dataclass(frozen=True, slots=True)
class RoutedBatch:
    """Where a batch's events go. `students` are the indices, among the batch's, of those who have one that is new or
    was folded before a crash; `keys` are theirs. By their indices among these: the events' rows, and `re_emitted`, the
    rows that hold one of the `replayed` already.
    """

    students: Indices
    keys: list[StoredKey]
    new: RoutedEvents
    replayed: RoutedEvents
    re_emitted: frozenset[int]
    repartitioned: list[Repartitioned]
    dead_letters: list[DeadRecord]
    counts: Counts


def route(
    batch: DecodedBatch, headers: Array, erasures: Mapping[int, RowErasure], owning_partition: OwningPartitionOfKey
) -> RoutedBatch:
    """Route the events of `batch`; `headers` and, by row index, `erasures` are those of its students' rows."""
    row, record = np.array(batch.row_index, np.intp), np.array(batch.record_index, np.intp)
    offset = np.array([each.offset for each in batch.records], np.int64)[record]
    record_us = _clipped_us(batch.timestamps_ms.values())[record]
    foreign, repartitioned = _foreign(batch, row, owning_partition)
    replayed = ~foreign & (offset <= headers["offset"][row])
    absurd = ~foreign & ~replayed & (record_us < EARLIEST_US)
    before_erasure = record_us <= headers["erased_us"][row]
    _hold_back(before_erasure, batch, row, erasures)
    of_no_use = ~foreign & ~replayed & ~absurd & (before_erasure | _says_nothing(batch))
    new = ~(foreign | replayed | absurd | of_no_use)
    is_concerned = np.bincount(row[new | replayed], minlength=len(batch.keys)) > 0
    students = np.flatnonzero(is_concerned)
    is_known = replayed & (headers["events"][row] > 0)
    row = (np.cumsum(is_concerned) - 1)[row]
    ignored, again = int(np.count_nonzero(of_no_use)), int(np.count_nonzero(replayed))
    counts = Counts(events_in=ignored, ignored=ignored, replayed=again, rerouted=len(repartitioned))
    return RoutedBatch(
        students=students,
        keys=[batch.keys[index] for index in students.tolist()],
        new=_chosen(batch, np.flatnonzero(new), row, offset, record_us),
        replayed=_chosen(batch, np.flatnonzero(replayed & ~before_erasure), row, offset, record_us),
        re_emitted=frozenset(row[is_known].tolist()),
        repartitioned=repartitioned,
        dead_letters=_absurd(batch, np.flatnonzero(absurd)) if absurd.any() else [],
        counts=counts,
    )


def _hold_back(
    before_erasure: NDArray[np.bool_], batch: DecodedBatch, row: Indices, erasures: Mapping[int, RowErasure]
) -> None:
    """Tell by where they first came which events of the erased do not count."""
    for index in np.flatnonzero(np.isin(row, list(erasures))).tolist() if erasures else ():
        record = batch.records[batch.record_index[index]]
        partition, offset, _ = batch.origins.get(index, (record.partition, record.offset, 0))
        before_erasure[index] = erasures[batch.row_index[index]].erases(partition, offset)


def _foreign(
    batch: DecodedBatch, row: Indices, owning_partition: OwningPartitionOfKey
) -> tuple[NDArray[np.bool_], list[Repartitioned]]:
    """Which events another partition owns, unless they were forwarded to here; and those events for their owners."""
    owners = owning_partitions(owning_partition, [key for _, key in batch.keys])
    owner = {
        index: owner
        for index, (owner, (partition, _)) in enumerate(zip(owners, batch.keys, strict=True))
        if owner is not None and owner != partition
    }
    if not owner:
        return np.zeros(len(row), np.bool_), []
    foreign = np.isin(row, list(owner))
    foreign[list(batch.origins)] = False
    return foreign, [_repartitioned(batch, index, owner) for index in np.flatnonzero(foreign).tolist()]


def _repartitioned(batch: DecodedBatch, index: int, owner: Mapping[int, int]) -> Repartitioned:
    record, row = batch.records[batch.record_index[index]], batch.row_index[index]
    origin = CameFrom(record.topic, (record.partition, record.offset, batch.index_in_record.get(index, 0)))
    return Repartitioned(owner[row], batch.keys[row][1], batch.events[index], origin, record.timestamp)


def _absurd(batch: DecodedBatch, indices: Indices) -> list[DeadRecord]:
    """Dead letters of events whose record is from before there were any: one a record, or one a part of it."""
    why = Invalid("absurd_timestamp", f"the record's is before {EARLIEST_TIME.year}")
    found: list[DeadRecord] = []
    for number, of_record in groupby(indices.tolist(), batch.record_index.__getitem__):
        by_part = sorted({batch.part[index] for index in of_record if index in batch.part})
        bad = [replace(why, index=part) for part in by_part] or [why]
        record = batch.records[number]
        found += [(record, dead_letter) for dead_letter in dead_letters_of(record, bad, several=bool(by_part))]
    return found


def _says_nothing(batch: DecodedBatch) -> NDArray[np.bool_]:
    """Which events are of no use for skills by their kind. A forwarded one may still be a repeat."""
    says_nothing = np.array([type(event) is Navigation for event in batch.events], np.bool_)
    says_nothing[list(batch.origins)] = False
    return says_nothing


def _chosen(batch: DecodedBatch, indices: Indices, row: Indices, offset: Integers, record_us: Integers) -> RoutedEvents:
    if len(indices) == len(batch.events):
        return RoutedEvents(batch.events, row.tolist(), offset, record_us, batch.origins)
    chosen = indices.tolist()
    return RoutedEvents(
        [batch.events[index] for index in chosen],
        row[indices].tolist(),
        offset[indices],
        record_us[indices],
        {number: batch.origins[index] for number, index in enumerate(chosen) if index in batch.origins},
    )


def _clipped_us(timestamps_ms: Iterable[Integers]) -> Integers:
    """In µs; times that no clock tells are as far off as can be told."""
    least, most = EARLIEST_US // 1000 - 1, LATEST_US // 1000
    all_ms: Integers = np.concatenate([np.empty(0, np.int64), *timestamps_ms])
    return np.minimum(np.maximum(all_ms, least), most) * 1000

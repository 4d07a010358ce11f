"""Decoding a batch: records in; their events, by student, and what is no event out. Pure.

    record ──decode──► events ──► each with its record's index and its student's row index
                 ├─ invalid ────► dead letters
                 └─ ignored, tolerated ──► counts

From here on a student is a key: a partition, and the bytes that its records are keyed by.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from schemas.dialects import Decode, Decoded, Record
from schemas.event import NativeEvent
from streams.folding.counts import Counts
from streams.folding.dead_letters import DeadRecord, dead_letters_of
from streams.input.origin import CameFrom, Origin, origin_in
from streams.input.signature import Authentic, has_own_headers
from streams.rows.row_batch import Integers
from streams.rows.segments import StoredKey


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """The records that were `taken` of each partition, and their `timestamps_ms`; all these `records`, and their
    events, in their order. `keys` are those of the events' students.

    Lists by event index: `record_index`, and `row_index` among `keys`. Of few events, by event index too: `origins` of
    repartitioned ones, `index_in_record` if not 0, `part` of a record of several parts.
    """

    taken: dict[int, Sequence[Record]]
    timestamps_ms: dict[int, Integers]
    records: list[Record]
    keys: list[StoredKey]
    events: list[NativeEvent]
    record_index: list[int]
    row_index: list[int]
    origins: dict[int, Origin]
    index_in_record: dict[int, int]
    part: dict[int, int]
    dead_letters: list[DeadRecord]
    counts: Counts


def decode_batch(
    records: Mapping[int, Sequence[Record]], decode: Decode, authentic: Authentic, most_students: int
) -> DecodedBatch:
    """Decode each partition's `records`, up to the first after which all their events are of `most_students` or
    more.
    """
    batch = DecodedBatch(
        taken={},
        timestamps_ms={},
        records=[],
        keys=[],
        events=[],
        record_index=[],
        row_index=[],
        origins={},
        index_in_record={},
        part={},
        dead_letters=[],
        counts=Counts(),
    )
    for partition, some in records.items():
        if len(batch.keys) < most_students:
            _decode_partition(batch, partition, some, decode, authentic, most_students)
    return batch


def _decode_partition(
    batch: DecodedBatch,
    partition: int,
    records: Sequence[Record],
    decode: Decode,
    authentic: Authentic,
    most_students: int,
) -> None:
    """Add one partition's."""
    add_event, add_record, add_row = batch.events.append, batch.record_index.append, batch.row_index.append
    first_record, first_row = len(batch.records), len(batch.keys)
    row_of: defaultdict[str, int] = defaultdict(count(first_row).__next__)
    others: list[tuple[Record, int, Decoded]] = []
    taken = len(records)
    for index, record in enumerate(records):
        if first_row + len(row_of) >= most_students:
            taken = index
            break
        decoded = decode(record)
        of_record = decoded.events
        if (
            len(of_record) != 1
            or decoded.invalid
            or decoded.ignored
            or decoded.tolerated
            or decoded.parts
            or record.headers
        ):
            others.append((record, len(batch.events), decoded))
        for event in of_record:
            add_event(event)
            add_record(first_record + index)
            add_row(row_of[event.student_id])
    batch.taken[partition] = records[:taken]
    batch.timestamps_ms[partition] = np.array([record.timestamp for record in batch.taken[partition]], np.int64)
    batch.records.extend(batch.taken[partition])
    batch.keys.extend([(partition, student.encode()) for student in row_of])
    batch.counts.records_in += taken
    for record, first_event, decoded in others:
        _note(batch, record, first_event, decoded, authentic)


def _note(batch: DecodedBatch, record: Record, first: int, decoded: Decoded, authentic: Authentic) -> None:
    """Note what `record` holds besides one plain event; `first` is the index of its first event."""
    counts = batch.counts
    if decoded.invalid:
        dead_letters = dead_letters_of(record, decoded.invalid, several=decoded.has_several_parts)
        batch.dead_letters.extend((record, dead_letter) for dead_letter in dead_letters)
    for unknown in decoded.ignored:
        counts.ignore(unknown.dialect, unknown.name)
    for broken in decoded.tolerated:
        counts.tolerated[broken.dialect, broken.rule] += 1
    origin = _origin(record, authentic, counts) if record.headers else None
    for index in range(len(decoded.events)):
        if origin is not None:
            batch.origins[first + index] = origin.position
        if index:
            batch.index_in_record[first + index] = index
        if decoded.parts:
            batch.part[first + index] = decoded.parts[index]


def _origin(record: Record, authentic: Authentic, counts: Counts) -> CameFrom | None:
    """Where a repartitioned record came from; None where no worker of this deployment says so."""
    if not has_own_headers(record):
        return None
    if not authentic(record):
        counts.forged_headers += 1
        return None
    return origin_in(record.headers)

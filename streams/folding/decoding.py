"""Decoding a batch: one partition's records in; their events, by student, and what is no event out. Pure.

    record ──decode──► events ──► each with its record's index and its student's row index
                 ├─ invalid ────► dead letters
                 └─ ignored, tolerated ──► counts

From here on a student is a key: the bytes that records are keyed by.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.dialects import Decode, Decoded, Record
from schemas.event import NativeEvent
from streams.folding.counts import Counts
from streams.folding.dead_letters import DeadRecord, dead_letters_of
from streams.input.origin import CameFrom, Origin, origin_in
from streams.input.signature import Authentic, has_own_headers


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """The `records` that were taken, and their events, in their order. `keys` are those of the events' students.

    Lists by event index: `record_index`, and `row_index` among `keys`. Of few events, by event index too: `origins` of
    repartitioned ones, `index_in_record` if not 0, `part` of a record of several parts.
    """

    records: Sequence[Record]
    keys: list[bytes]
    events: list[NativeEvent]
    record_index: list[int]
    row_index: list[int]
    origins: dict[int, Origin]
    index_in_record: dict[int, int]
    part: dict[int, int]
    dead_letters: list[DeadRecord]
    counts: Counts


def decode_batch(records: Sequence[Record], decode: Decode, authentic: Authentic, most_students: int) -> DecodedBatch:
    """Decode `records`, up to the first after which their events are of `most_students` or more."""
    events, record_index, row_index = list[NativeEvent](), list[int](), list[int]()
    add_event, add_record, add_row = events.append, record_index.append, row_index.append
    row_of: defaultdict[str, int] = defaultdict()
    row_of.default_factory = row_of.__len__
    others: dict[int, tuple[int, Decoded]] = {}
    taken = len(records)
    for index, record in enumerate(records):
        if len(row_of) >= most_students:
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
            others[index] = len(events), decoded
        for event in of_record:
            add_event(event)
            add_record(index)
            add_row(row_of[event.student_id])
    batch = DecodedBatch(
        records=records[:taken],
        keys=[student.encode() for student in row_of],
        events=events,
        record_index=record_index,
        row_index=row_index,
        origins={},
        index_in_record={},
        part={},
        dead_letters=[],
        counts=Counts(records_in=taken),
    )
    for index, (first, decoded) in others.items():
        _note(batch, records[index], first, decoded, authentic)
    return batch


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

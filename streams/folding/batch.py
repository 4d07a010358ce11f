"""Folding a batch, of one partition or several: the stored rows of its students, changed by its new events. Pure:
nothing is stored.

A record at or below its row's offset was folded before a crash: it is skipped, and its student's update is re-emitted.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np

from schemas.attention import AttentionRecord
from schemas.dialects import Record
from schemas.event import Rubric
from streams.folding.counts import Counts
from streams.folding.dead_letters import DeadRecord, in_order
from streams.folding.decoding import DecodedBatch
from streams.folding.first_answers import AnswersByRow, answers_of_partitions, in_turn
from streams.folding.fold import Folding
from streams.folding.history import FoldOutcome
from streams.folding.routing import Repartitioned, RoutedBatch, RoutedEvents
from streams.folding.week_turns import WeekEnd, rounds, week_end
from streams.norms.first_answers import AnswersOfRows
from streams.rows.row_batch import Integers, RowBatch
from streams.rows.segments import Segments, StoredKey

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class FoldedRows:
    """`rows` with all new events in them; `changed` are the indices of those that any of these changed, in order.

    `disclosures` are the indices of the new events that were folded and whose text may disclose harm. `week_ends` are
    rows before their week turned within the batch, in their order. `first_answers` are of these rows.
    """

    rows: RowBatch
    changed: list[int]
    counts: Counts
    disclosures: Sequence[int]
    first_answers: AnswersByRow
    week_ends: Sequence[WeekEnd] = ()


@dataclass(frozen=True, slots=True)
class FoldedBatch:
    """A folded batch. `rows` has a row for each of `keys`: first the `changed` ones, then those to be re-emitted, in
    which nothing new was folded. `re_emitted` are the indices of all that are to be re-emitted; `week_ends` are of
    these rows, by their indices among them.

    By partition: `records` are those that were taken of the ones that were given, from the first on, `timestamps_ms`
    theirs; `first_answers` are of the changed rows, in their order.
    """

    records: Mapping[int, Sequence[Record]]
    timestamps_ms: Mapping[int, Integers]
    keys: list[StoredKey]
    changed: int
    rows: RowBatch
    segments: Segments
    dead_letters: Mapping[int, list[DeadRecord]]
    repartitioned: Mapping[int, list[Repartitioned]]
    attention: Mapping[int, list[AttentionRecord]]
    first_answers: Mapping[int, AnswersOfRows]
    counts: Counts
    re_emitted: frozenset[int] = frozenset()
    week_ends: Sequence[WeekEnd] = ()

    @classmethod
    def of(
        cls,
        decoded: DecodedBatch,
        routed: RoutedBatch,
        folded: FoldedRows,
        attention: Iterable[tuple[int, AttentionRecord]],
    ) -> "FoldedBatch":
        """Put together what the stages found; rows that nobody is to hear of are left out."""
        order = [*folded.changed, *sorted(routed.re_emitted.difference(folded.changed))]
        dead_letters = in_order([*decoded.dead_letters, *routed.dead_letters])
        counts = decoded.counts + routed.counts + folded.counts
        for _, dead_letter in dead_letters:
            counts.dead_letter(dead_letter.reason)
        return cls(
            records=decoded.taken,
            timestamps_ms=decoded.timestamps_ms,
            keys=[routed.keys[index] for index in order],
            changed=len(folded.changed),
            rows=folded.rows if order == list(range(len(routed.keys))) else folded.rows.take(order),
            segments=folded.rows.segments,
            dead_letters=by_partition((each[1].partition, each) for each in dead_letters),
            repartitioned=by_partition((event.origin.position[0], event) for event in routed.repartitioned),
            attention=by_partition(attention),
            first_answers=answers_of_partitions(folded.first_answers, routed.keys),
            counts=counts,
            re_emitted=frozenset(index for index, row in enumerate(order) if row in routed.re_emitted),
            week_ends=[each.within(order) for each in folded.week_ends],
        )

    def encode(self, rows: RowBatch) -> Mapping[int, dict[bytes, bytes | None]]:
        """What is to be stored, by partition and the changelog's keys: new segments, then rows, then segments given up
        (None).

        In this order no row names a segment that is not stored, wherever a crash interrupts the writes.
        `rows` are this batch's, scored or not.
        """
        changed = rows if self.changed == len(self.keys) else rows.take(range(self.changed))
        encoded = zip(self.keys[: self.changed], changed.encode(), strict=True)
        stored = defaultdict[int, dict[bytes, bytes | None]](dict)
        for (partition, key), value in chain(self.segments.written.items(), encoded, self.segments.deleted.items()):
            stored[partition][key] = value
        return stored

    def by_student(self, written: Iterable[tuple[int, bytes]]) -> Mapping[int, dict[bytes, bytes]]:
        """Messages about rows, which come with their indices, by partition and student's key."""
        messages = defaultdict[int, dict[bytes, bytes]](dict)
        for index, message in written:
            partition, key = self.keys[index]
            messages[partition][key] = message
        return messages


def by_partition(pairs: Iterable[tuple[int, _T]]) -> Mapping[int, list[_T]]:
    """What comes with each partition, in its order; nothing, where none does."""
    found = defaultdict[int, list[_T]](list)
    for partition, each in pairs:
        found[partition].append(each)
    return found


def fold_by_week(folding: Folding, rows: RowBatch, new: RoutedEvents, epochs: Integers) -> FoldedRows:
    """As `fold_events`; keeps the rows of students whose week turns between two events of the batch, as they were."""
    folded: list[FoldedRows] = []
    disclosures: list[int] = []
    week_ends: list[WeekEnd] = []
    for number, (indices, some) in enumerate(rounds(rows, new)):
        if number:
            week_ends.append(week_end(rows, some.row_index))
        folded.append(fold_events(folding, rows, some, epochs))
        disclosures += indices[list(folded[-1].disclosures)].tolist()
    if len(folded) == 1:
        return folded[0]
    changed = sorted({row for each in folded for row in each.changed})
    counts = sum((each.counts for each in folded), Counts())
    first_answers = in_turn([each.first_answers for each in folded])
    return FoldedRows(rows, changed, counts, sorted(disclosures), first_answers, week_ends)


def fold_events(folding: Folding, rows: RowBatch, new: RoutedEvents, epochs: Integers) -> FoldedRows:
    """Drop repeats among `new`, and fold the others into `rows`, which become the result's."""
    row = np.asarray(new.row_index, np.intp)
    folded = folding.fold(rows, new.row_index, new.events, new.record_us, new.origins)
    counts = Counts(
        clamped=folded.clamped,
        beyond_horizon=folded.beyond,
        components_given_up=folded.given_up,
        unread_texts=folded.unread,
    )
    counts.count(folded.outcomes)
    if counts.ignored:
        for event, outcome in zip(new.events, folded.outcomes, strict=True):
            if outcome is FoldOutcome.IGNORED and type(event) is Rubric and event.skill not in folding.names:
                counts.rate_unknown(event.skill)
    if folded.not_held:
        counts.unknown["native", "voided_not_held"] += folded.not_held
    stored = np.append(folded.new, np.array(folded.joined, np.intp))
    np.maximum.at(rows.headers["offset"], row[stored], new.offset[stored])
    changed: list[int] = np.bincount(row[stored]).nonzero()[0].tolist()
    rows.headers["epoch"][changed] = epochs[changed]
    return FoldedRows(rows, changed, counts, folded.disclosures, folded.first_answers)

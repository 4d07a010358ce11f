"""Folding a batch: the stored rows of its students, changed by its new events. Pure: nothing is stored.

A record at or below its row's offset was folded before a crash: it is skipped, and its student's update is re-emitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.attention import AttentionRecord
from schemas.dialects import Record
from schemas.errors import Fatal
from schemas.event import Rubric
from streams.folding.counts import Counts
from streams.folding.dead_letters import DeadRecord, in_order
from streams.folding.decoding import DecodedBatch
from streams.folding.fold import Folding
from streams.folding.history import FoldOutcome
from streams.folding.routing import Repartitioned, RoutedBatch, RoutedEvents
from streams.rows.row_batch import RowBatch
from streams.rows.segments import Load, Segments


@dataclass(frozen=True, slots=True)
class FoldedRows:
    """`rows` with all new events in them; `changed` are the indices of those that any of these changed, in order.

    `disclosures` are the indices of the new events that were folded and whose text may disclose harm.
    """

    rows: RowBatch
    changed: list[int]
    counts: Counts
    disclosures: Sequence[int]


@dataclass(frozen=True, slots=True)
class FoldedBatch:
    """A folded batch. `rows` has a row for each of `keys`: first the `changed` ones, then those to be re-emitted, in
    which nothing new was folded.

    `records` are those that were taken of the ones that were given, from the first on.
    """

    records: Sequence[Record]
    keys: list[bytes]
    changed: int
    rows: RowBatch
    segments: Segments
    dead_letters: list[DeadRecord]
    repartitioned: list[Repartitioned]
    attention: Sequence[AttentionRecord]
    counts: Counts

    @classmethod
    def of(
        cls, decoded: DecodedBatch, routed: RoutedBatch, folded: FoldedRows, attention: Sequence[AttentionRecord]
    ) -> "FoldedBatch":
        """Put together what the stages found; rows that nobody is to hear of are left out."""
        order = [*folded.changed, *sorted(routed.re_emitted.difference(folded.changed))]
        dead_letters = in_order([*decoded.dead_letters, *routed.dead_letters])
        counts = decoded.counts + routed.counts + folded.counts
        for _, dead_letter in dead_letters:
            counts.dead_letter(dead_letter.reason)
        return cls(
            records=decoded.records,
            keys=[decoded.keys[index] for index in order],
            changed=len(folded.changed),
            rows=folded.rows if order == list(range(len(decoded.keys))) else folded.rows.take(order),
            segments=folded.rows.segments,
            dead_letters=dead_letters,
            repartitioned=routed.repartitioned,
            attention=attention,
            counts=counts,
        )

    def encode(self, rows: RowBatch) -> dict[bytes, bytes | None]:
        """What is to be stored, by the changelog's keys: new segments, then rows, then segments given up (None).

        In this order no row names a segment that is not stored, wherever a crash interrupts the writes.
        `rows` are this batch's, scored or not.
        """
        changed = rows if self.changed == len(self.keys) else rows.take(range(self.changed))
        stored = dict(zip(self.keys[: self.changed], changed.encode(), strict=True))
        return {**self.segments.written, **stored, **self.segments.deleted}


def load_rows(keys: Sequence[bytes], names: tuple[str, ...], load: Load, epoch: int) -> RowBatch:
    """The stored rows of `keys`, to be folded under `epoch`; rows of an earlier one forget their offsets and origins.

    Raises Fatal for a row of a later epoch, and for one that cannot be read.
    """
    rows = RowBatch.of(load(keys), names, Segments(keys, load))
    epochs = rows.headers["epoch"]
    if np.any(epochs > epoch):
        raise Fatal(f"a row is of epoch {epochs.max()}, its partition's checkpoint of {epoch}: see docs/recovering.md")
    for index in np.flatnonzero(epochs < epoch).tolist():
        rows.headers["offset"][index], rows.sections["origins"][index] = -1, b""  # of the topic that was
    return rows


def fold_events(folding: Folding, rows: RowBatch, new: RoutedEvents, epoch: int) -> FoldedRows:
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
    changed: list[int] = np.unique(row[stored]).tolist()
    rows.headers["epoch"][changed] = epoch
    return FoldedRows(rows, changed, counts, folded.disclosures)

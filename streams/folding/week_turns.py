"""Where a student's week turns within a batch: there the events are folded in rounds, and the rows before each round
are kept, so that the scores at the end of a week are the same wherever batches are cut.

    events of one student   mo we su | tu fr | we        (| a Monday between)
    rounds                     0         1      2
    kept before                        row    row

A live stream has one round nearly always; a backlog in which a student's events lie close together has some.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from streams.folding.event_time import newest_before
from streams.folding.routing import RoutedEvents
from streams.rows.layout import Indices
from streams.rows.row_batch import RowBatch
from streams.rows.weeks import week_of, week_of_day

_DAYS_BEFORE_1970: Final = 719_163


@dataclass(frozen=True, slots=True)
class WeekEnd:
    """Rows as they were before their next week began; `at` says which of their batch, by index."""

    at: list[int]
    rows: RowBatch

    def within(self, order: Sequence[int]) -> "WeekEnd":
        """The same, of a batch that has the rows in this order."""
        index_of = {row: index for index, row in enumerate(order)}
        there = [number for number, row in enumerate(self.at) if row in index_of]
        return WeekEnd([index_of[self.at[number]] for number in there], self.rows.take(there))


def rounds(rows: RowBatch, new: RoutedEvents) -> list[tuple[Indices, RoutedEvents]]:
    """The `new` events, cut where the week of a row's newest event may turn between two of them: in each round the
    indices of its events, and these. A repeat, which turns nothing, may be cut before, too.
    """
    every = np.arange(len(new.events))
    if _is_one_week(new):
        return [(every, new)]
    row = np.asarray(new.row_index, np.intp)
    own_us = np.array([event.time.timestamp() for event in new.events], np.float64) * 1e6
    time_us = np.minimum(own_us.astype(np.int64), new.record_us)
    order = np.argsort(row, kind="stable")
    begins = np.append(True, row[order][1:] != row[order][:-1])
    before_us = newest_before(row, time_us, rows.headers["as_of_us"][row])
    turns = (week_of(time_us) > week_of(before_us))[order] & ~begins
    if not turns.any():
        return [(every, new)]
    turned = np.cumsum(turns)
    number = np.empty(len(row), np.intp)
    number[order] = turned - np.repeat(turned[begins], np.diff(np.append(np.flatnonzero(begins), len(row))))
    cut = [np.flatnonzero(number == each) for each in range(int(number.max()) + 1)]
    return [(indices, _those(new, indices)) for indices in cut]


def week_end(rows: RowBatch, row_index: Sequence[int]) -> WeekEnd:
    """The rows that the next round changes, as they are."""
    at = sorted(set(row_index))
    return WeekEnd(at, rows.take(at))


def _is_one_week(new: RoutedEvents) -> bool:
    """Whether all are within one week, whatever their offsets from UTC, and the records that bound their times are not
    older; if not, they still may be.
    """
    if len(new.events) < 2:
        return True
    days = [event.time.toordinal() for event in new.events]
    if (min(days) - 2) // 7 != max(days) // 7:
        return False
    return bool(week_of(new.record_us.min()) >= week_of_day(max(days) - _DAYS_BEFORE_1970))


def _those(new: RoutedEvents, indices: Indices) -> RoutedEvents:
    chosen = indices.tolist()
    return replace(
        new,
        events=[new.events[index] for index in chosen],
        row_index=[new.row_index[index] for index in chosen],
        offset=new.offset[indices],
        record_us=new.record_us[indices],
        origins={at: new.origins[index] for at, index in enumerate(chosen) if index in new.origins},
    )

"""Norms as a worker would publish them, for training and replay: students in the order of time, a period at a time.

What is published at the end of a period is made of what was known by then; it serves from the next period on.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from streams.norms.bounded_sums import BoundedSums
from streams.norms.changing_sums import ChangingSums
from streams.norms.first_answers import AnswersOfRows
from streams.norms.journal_entry import JournalEntry
from streams.norms.publishing import NormTopic, publish
from streams.norms.row_sums import Periods, RowSums
from streams.norms.shard import NormShard, items_of
from streams.norms.view import NormView
from streams.rows.codec import row_headers
from streams.rows.segments import is_segment

_TOPIC: Final = NormTopic("offline", 1)
_MOST_ITEMS: Final = 100_000


class OfflineNorms:
    """All students as one partition's. `view` are the norms in force; None before the first."""

    def __init__(self, every_us: int, courses: Mapping[str, str]) -> None:
        """`every_us` is a period; `courses` as for `publish`."""
        self.view: NormView | None = None
        self._every_us = every_us
        self._courses = courses
        self._students = ChangingSums()
        self._changed: dict[bytes, bytes | None] = {}
        self._entries: list[JournalEntry] = []
        self._items = BoundedSums(_MOST_ITEMS)

    def note(self, rows: Mapping[bytes, bytes | None], answers: AnswersOfRows) -> None:
        """Keep what a batch made of its students (`PartitionResult`); it counts from the next turn on."""
        rows = {key: row for key, row in rows.items() if not is_segment(key)}
        self._changed.update(rows)
        if answers:
            self._entries.append(JournalEntry(_newest_s(rows.values()), answers.answers, answers.items))

    def turn(self, clock_us: int) -> NormView | None:
        """The norms in force once a period has ended at `clock_us`; the same object where nothing was due."""
        self._students.put(self._changed)
        self._changed = {}
        if self._entries:
            self._items.add(self._entries)
            self._entries = []
        sums = self._students.sums(Periods(clock_us, self._every_us))
        previous = self.view.snapshot if self.view else None
        snapshot = publish(previous, {0: self._shard(clock_us, sums)}, self._courses, _TOPIC)
        if snapshot:
            self.view = NormView(snapshot)
        return self.view

    def _shard(self, clock_us: int, sums: RowSums) -> NormShard:
        items = items_of(self._items.sums)
        given_up = int(self._items.given_up.sum())
        return NormShard(
            0, 0, 0, clock_us, self._every_us, -1, given_up, sums.left_out, items, sums.components, sums.cohorts
        )


def _newest_s(rows: Iterable[bytes | None]) -> int:
    headers = row_headers([row for row in rows if row is not None])
    return int(headers["as_of_us"].max(initial=0)) // 1_000_000

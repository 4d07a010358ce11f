"""Folding and the journal together: whoever is killed between two record batches, sums end as those of the input."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.input.checkpoint import CHECKPOINT_VERSION, InputCheckpoint
from streams.norms import journal as journals
from streams.norms.journal import NormJournal
from streams.norms.journal_keys import PAGES
from streams.replay import FileRecord
from streams.rows.table import PartitionedRows
from tests.events import processed, record
from tests.unit.norms.reference_sums import as_plain
from tests.unit.strategies import documents

LATEST_MS = 4_102_444_800_000
MOST_ITEMS = 1_000 * PAGES
KINDS = ("attempt", "attempt", "attempt", "failure", "submission", "mark", "voided", "voided")
ORDER_FREE = ("answers", "wins", "scored", "timed", "due", "score", "squares", "time", "days")


class Log:
    """A partition's changelog: what a worker that starts now finds."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.held: dict[bytes, bytes] = {}
        self.checkpoint: InputCheckpoint | None = None

    @property
    def offset(self) -> int:
        """Of the last step that was appended whole."""
        return -1 if self.checkpoint is None else self.checkpoint.offset

    def append(self, rows: Mapping[bytes, bytes | None], records: Mapping[bytes, bytes]) -> None:
        """One record batch."""
        for key, row in rows.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        self.held |= records


class Worker:
    """Folds from the log's last checkpoint on. It may be killed between two record batches."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._rows = PartitionedRows()
        self._rows.put_many(0, log.rows)
        self._journal = NormJournal.restore(log.held, log.checkpoint, 0, MOST_ITEMS)

    def step(self, records: list[FileRecord], batches: int | None = None) -> None:
        """Fold these, and append the rows; only so many record batches of them, if it is killed then."""
        result = processed(records, self._rows)
        journaled = self._journal.group(result.rows, result.first_answers, LATEST_MS // 1000)
        self._rows.put_many(0, result.rows)
        rows = iter(result.rows.items())
        groups = journaled.groups or [journals.RowGroup(len(result.rows), {})]
        for group in groups[:batches]:
            self._log.append(dict(itertools.islice(rows, group.rows)), group.records)
        if batches is None or batches > len(groups):
            self._log.checkpoint = InputCheckpoint(
                CHECKPOINT_VERSION, "id", 1, 0, records[-1].offset, norms=journaled.number
            )

    def sums(self) -> dict[int, dict[str, int]]:
        """The sums that do not depend on where steps were cut."""
        plain = as_plain(self._journal.sums())
        return {
            item: {name: totals[name] for name in ORDER_FREE}
            for item, totals in plain.items()
            if any(totals[name] for name in ORDER_FREE)
        }


@pytest.fixture(autouse=True)
def small_groups() -> Iterator[None]:
    """Most record batches have one row."""
    with patch.object(journals, "GROUP_BYTES", 2_000), patch.object(journals, "_LEAST_ROW_BYTES", 1_000):
        yield


def of_input(records: list[FileRecord]) -> dict[int, dict[str, int]]:
    """The sums of the whole input, folded by one worker that nothing happens to."""
    worker = Worker(Log())
    for each in records:
        worker.step([each])
    return worker.sums()


@settings(max_examples=60, deadline=None)
@given(st.lists(documents(kinds=KINDS), min_size=1, max_size=40), st.data())
def test_whoever_is_killed_between_two_record_batches_the_sums_end_as_those_of_the_input(
    said: list[dict[str, Any]], data: st.DataObject
) -> None:
    records = [record(orjson.dumps(each), offset, timestamp=LATEST_MS) for offset, each in enumerate(said)]
    log = Log()
    worker = Worker(log)
    kills = 0
    while log.offset + 1 < len(records):
        size = data.draw(st.integers(1, len(records)))
        killed_after = data.draw(st.none() | st.integers(0, 3)) if kills < 10 else None
        worker.step(records[log.offset + 1 :][:size], killed_after)
        if killed_after is not None:
            worker, kills = Worker(log), kills + 1

    assert worker.sums() == of_input(records)
    assert Worker(log).sums() == worker.sums()

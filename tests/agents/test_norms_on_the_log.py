"""Steps of events, journaled and appended: wherever the log is cut, its sums are those of what its rows have folded."""

from collections.abc import Mapping, Sequence

import pytest

from agents.delivery.faust.table import RowTable
from streams.input.checkpoint import CHECKPOINT_VERSION, InputCheckpoint, decode_checkpoint
from streams.norms import journal as norm_journal
from streams.norms.item_sums import ItemSums
from streams.norms.journal import NormJournal
from streams.replay import FileRecord, Replay, batches
from streams.rows.codec import decode_row
from streams.simulation import simulate
from tests.agents.journal_logs import exact_sums
from tests.agents.table_log import P, TableLog
from tests.events import default_pipeline

MOST_ITEMS = 1_000
STEP_RECORDS = 150
RECORDS = [
    FileRecord(offset, 1_900_000_000_000, each.value, key=each.key)
    for offset, each in enumerate(simulate(60, 600, seed=4, faults=0.02))
]


async def sums_of(records: Sequence[FileRecord]) -> ItemSums:
    """Of these alone, folded in one go."""
    journal = NormJournal(0, -1, MOST_ITEMS)
    if records:
        result = await Replay(default_pipeline()).feed(records)
        journal.group(result.rows, result.first_answers, 0)
    return journal.sums()


def sums_on(table: RowTable) -> ItemSums:
    """As a worker restores them."""
    stored = table.checkpoints.get(P)
    checkpoint = None if stored is None else decode_checkpoint(stored)
    return NormJournal.restore(table.norm_records.get(P, {}), checkpoint, 0, MOST_ITEMS).sums()


def folded_into(rows: Mapping[bytes, bytes]) -> list[FileRecord]:
    """The records that these rows have folded, by their offsets."""
    to = {key: decode_row(row).offset for key, row in rows.items()}
    return [record for record in RECORDS if record.offset <= to.get(record.key or b"", -1)]


async def test_wherever_the_log_is_cut_its_sums_are_those_of_what_its_rows_have_folded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for bound in ("GROUP_BYTES", "_LEAST_ROW_BYTES"):
        monkeypatch.setattr(norm_journal, bound, 16 * 1024)
    log, journal, replay = TableLog(), NormJournal(0, -1, MOST_ITEMS), Replay(default_pipeline())
    table = log.table()
    for step in batches(RECORDS, STEP_RECORDS):
        result = await replay.feed(step)
        journaled = journal.group(result.rows, result.first_answers, 0)
        checkpoint = InputCheckpoint(CHECKPOINT_VERSION, "id", 4, 0, step[-1].offset, norms=journaled.number)
        await table.put_batch(P, result.rows, checkpoint, journaled.groups)
    assert len(log.batches) > 4 * len(RECORDS) / STEP_RECORDS, "each step is a batch or two: this proves little"

    for cut in range(len(log.batches) + 1):
        restored = await log.restored(cut, compacted=bool(cut % 2))
        folded = folded_into(dict(restored.rows.items(P)))
        assert exact_sums(sums_on(restored)) == exact_sums(await sums_of(folded))
    assert len(folded) > 0.9 * len(RECORDS)

"""The journals of norms on a deployment's changelog, and their sums, which are those of its input."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from streams.input.checkpoint import CHECKPOINT_KEY, InputCheckpoint, decode_checkpoint
from streams.norms.item_sums import ItemSums
from streams.norms.journal import NormJournal
from streams.norms.journal_keys import is_of_journal
from streams.replay import FileRecord, Replay, batches
from tests.agents.deployment import PARTITIONS, Deployment, owning_partition, pipeline

MOST_ITEMS: Final = 100_000
_ORDERED: Final = {"newest_s", "turn", "recent"}


@dataclass
class JournalLog:
    """What a partition's changelog says last."""

    rows: dict[bytes, bytes | None] = field(default_factory=dict)
    records: dict[bytes, bytes] = field(default_factory=dict)
    checkpoint: InputCheckpoint | None = None

    def journal(self) -> NormJournal:
        """As a worker restores it."""
        return NormJournal.restore(self.records, self.checkpoint, 0, MOST_ITEMS)


def journal_logs(deployment: Deployment) -> Mapping[int, JournalLog]:
    """By partition."""
    logs = defaultdict[int, JournalLog](JournalLog)
    for record in deployment.records(deployment.changelog):
        log, key, value = logs[record.partition], record.key or b"", record.value or b""
        if key == CHECKPOINT_KEY:
            log.checkpoint = decode_checkpoint(value)
        elif is_of_journal(key):
            log.records[key] = value
        else:
            log.rows[key] = record.value
    return logs


def exact_sums(sums: ItemSums) -> dict[int, dict[str, object]]:
    """By item and field, as far as they are the same however answers were cut into steps."""
    fields = [name for name in sums.records.dtype.names or () if name not in _ORDERED]
    return {int(each["item"]): {name: np.asarray(each[name]).tolist() for name in fields} for each in sums.records}


def assert_sums_are_those_of_the_input(deployment: Deployment, begins: Mapping[int, int] | None = None) -> None:
    """Of each partition, behind where its journal begins; counted once each, whoever counted them."""
    logs = journal_logs(deployment)
    records = deployment.records(deployment.channels.activity)
    for partition in range(PARTITIONS):
        own = [record for record in records if record.partition == partition]
        expected = asyncio.run(_folded(own, (begins or {}).get(partition, -1)))
        found = exact_sums(logs[partition].journal().sums())
        assert found == exact_sums(expected)
        assert found, "nothing was answered: this proves nothing"


async def _folded(records: Iterable[FileRecord], begin: int = -1) -> ItemSums:
    """The sums of a partition's records behind `begin`, folded offline."""
    replay = Replay(pipeline("default", "none"), owning_partition=owning_partition)
    journal = NormJournal(0, begin, MOST_ITEMS)
    in_order = list(records)
    before = [record for record in in_order if record.offset <= begin]
    for part in (before, in_order[len(before) :]):
        for batch in batches(part):
            result = await replay.feed(batch)
            if part is not before:
                journal.group(result.rows, result.first_answers, 0)
    return journal.sums()

"""What a table's changelog holds beside rows and segments, and what of it shares a record batch with which rows."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from agents.delivery.writer import OutRecord
from streams.input.checkpoint import CHECKPOINT_KEY
from streams.norms.journal import RowGroup
from streams.norms.journal_keys import JOURNAL_KEYS, is_of_journal

KEYS_BESIDE_ROWS: Final = (CHECKPOINT_KEY, *JOURNAL_KEYS)


class BesideRows:
    """By partition: the input checkpoint, encoded, and the journal of norms by the changelog's keys."""

    def __init__(self) -> None:
        self.checkpoints: dict[int, bytes] = {}
        self.norm_records: dict[int, dict[bytes, bytes]] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        """What a key that is held here has; None where there is nothing."""
        if key == CHECKPOINT_KEY:
            return self.checkpoints.get(partition)
        return self.norm_records.get(partition, {}).get(key)

    def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Replace it; None deletes. Nothing happens for a key that is not held here."""
        if key == CHECKPOINT_KEY:
            if value is None:
                self.checkpoints.pop(partition, None)
            else:
                self.checkpoints[partition] = value
        elif is_of_journal(key):
            of_partition = self.norm_records.setdefault(partition, {})
            if value is None:
                of_partition.pop(key, None)
            else:
                of_partition[key] = value

    def put_groups(self, partition: int, groups: Sequence[RowGroup]) -> None:
        """What closes them."""
        for group in groups:
            self.norm_records.setdefault(partition, {}).update(group.records)

    def drop_partition(self, partition: int) -> None:
        """Forget all of it."""
        self.checkpoints.pop(partition, None)
        self.norm_records.pop(partition, None)

    def partitions(self) -> frozenset[int]:
        """Those of which there is anything."""
        return frozenset(self.checkpoints.keys() | self.norm_records.keys())


def is_beside_rows(key: bytes) -> bool:
    """Whether a key of the changelog is one of `BesideRows`."""
    return key == CHECKPOINT_KEY or is_of_journal(key)


def in_groups(rows: Mapping[bytes, bytes | None], groups: Sequence[RowGroup]) -> list[list[OutRecord]]:
    """The records of each group; of all rows, as the only one, where there are none.

    Raises ValueError where the groups have not exactly these rows.
    """
    records = [OutRecord(key, row) for key, row in rows.items()]
    if not groups:
        return [records]
    if (grouped := sum(group.rows for group in groups)) != len(records):
        raise ValueError(f"{grouped} rows are in groups, of {len(records)}")
    left = iter(records)
    return [[*islice(left, group.rows), *(OutRecord(*each) for each in group.records.items())] for group in groups]

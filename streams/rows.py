"""The table in memory: encoded rows by partition and key.

Rows stay bytes, as they stand on the changelog: a row costs its size and one dict entry, recovery is a copy,
and a partition that moves away is dropped in one step. The partition is part of the address: the same key
seen on two partitions is two rows, so an offset kept in a row is always an offset of that row's own
partition.
"""

from collections.abc import ItemsView, Mapping


class PartitionedRows:
    """Rows by (partition, key). Not thread-safe; nothing here blocks or waits."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[bytes, bytes]] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The row of `key` in `partition`, or None."""
        rows = self._rows.get(partition)
        return None if rows is None else rows.get(key)

    def put(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Replace one row; None deletes it."""
        self.put_many(partition, {key: row})

    def put_many(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """Replace several rows of one partition; None deletes. Idempotent."""
        kept = self._rows.setdefault(partition, {})
        for key, row in rows.items():
            if row is None:
                kept.pop(key, None)
            else:
                kept[key] = row

    def drop_partition(self, partition: int) -> None:
        """Forget a partition's rows; nothing happens if there are none."""
        self._rows.pop(partition, None)

    def items(self, partition: int) -> ItemsView[bytes, bytes]:
        """The live (key, row) pairs of a partition; don't write to it while iterating."""
        return self._rows.get(partition, {}).items()

    def partitions(self) -> frozenset[int]:
        """The partitions that hold at least one row."""
        return frozenset(partition for partition, rows in self._rows.items() if rows)

    def __len__(self) -> int:
        """Rows in all partitions."""
        return sum(map(len, self._rows.values()))

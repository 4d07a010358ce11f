"""What the newest snapshot of norms is compared with: the sums of all partitions at the offsets that it covers."""

from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from streams.norms.records import COHORT_TOTALS, COMPONENT_TOTALS, ITEM, joined_records, sum_by_code
from streams.rows.layout import Array
from streams.verification.shard_refold import ShardRefold

TABLES: Final[dict[str, "np.dtype[Any]"]] = {"items": ITEM, "components": COMPONENT_TOTALS, "cohorts": COHORT_TOTALS}


class SnapshotSums(Struct, kw_only=True):
    """Of the partitions that were verified so far, for the snapshot of that `version`; "": there is none.

    By table: `added_up`, the records in bytes; `excused`, codes of what may differ though nothing is wrong; `unknown`,
    why there is nothing to compare with.
    """

    version: str = ""
    added_up: dict[str, bytes] = msgspec.field(default_factory=dict)
    excused: dict[str, set[int]] = msgspec.field(default_factory=dict)
    unknown: dict[str, str] = msgspec.field(default_factory=dict)

    def records(self, table: str) -> Array:
        """The sums of a table, in the order of their codes."""
        return np.frombuffer(self.added_up.get(table) or b"", TABLES[table])

    def excuses(self, table: str, codes: Array) -> Array:
        """Which of these codes may differ though nothing is wrong."""
        excused = self.excused.get(table, set())
        return np.isin(codes, np.fromiter(excused, np.uint64, len(excused)))

    def add(self, shard: ShardRefold) -> None:
        """Add one partition's."""
        for table, records in (
            ("items", shard.items.records()),
            ("components", shard.rows.components),
            ("cohorts", shard.rows.cohorts),
        ):
            self.added_up[table] = sum_by_code(joined_records((self.records(table), records))).tobytes()
            self.excused.setdefault(table, set()).update(shard.excused[table])

    def leave_out(self, why: str, *tables: str) -> None:
        """Note why these tables cannot be compared; "": they can, as far as this is concerned."""
        for table in tables if why else ():
            self.unknown.setdefault(table, why)

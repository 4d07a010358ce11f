"""Whether the newest snapshot of norms says what the input folded again gives, and its predecessor what it kept.

    norm since this snapshot     the sums at the offsets that it covers, as far as they are not withheld
    norm since an earlier one    to the byte that of the snapshot before
    component or cohort          there, if it has students enough and none was published before

When a norm was due is taken from the two: `students` of an item depends on how batches were cut, and a shard's clock,
by which `seen` is counted, too.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from streams.norms.records import find_codes, records_of
from streams.norms.snapshot import NormSnapshot
from streams.norms.withheld import LEAST_STUDENTS, withhold
from streams.rows.layout import Array
from streams.verification.audit import Difference, NotCompared
from streams.verification.item_totals import COMPARED
from streams.verification.snapshot_sums import TABLES, SnapshotSums

_SUMMED: Final = {
    "items": COMPARED,
    "components": ("name", "students", "answers", "wins"),
    "cohorts": ("name", "students", "answers", "wins", "withdrew", "n", "total", "squares", "bins", "facts"),
}
_EXCUSED: Final = "they differ, and students who were erased, or a worker without norms, have part in them"


@dataclass(slots=True)
class SnapshotCheck:
    """Of one snapshot. `previous` is the one before, None where it is the first, or why it cannot be read.

    `compared` counts norms by table, `left_out` those that were not, by table and reason.
    """

    snapshot: NormSnapshot
    previous: NormSnapshot | NotCompared | None
    sums: SnapshotSums
    compared: Counter[str] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)

    def differences(self) -> Iterator[Difference]:
        """What differs, a norm each."""
        for table in TABLES:
            norms: Array = getattr(self.snapshot, table)
            is_new = norms["since"] == self.snapshot.number
            yield from self._compare_new(table, norms[is_new])
            yield from self._compare_older(table, norms[~is_new], norms)
            if table != "items" and not isinstance(self.previous, NotCompared) and table not in self.sums.unknown:
                yield from self._find_missing(table, norms)

    def _compare_new(self, table: str, norms: Array) -> Iterator[Difference]:
        """Norms that this snapshot published."""
        if why := self.sums.unknown.get(table):
            self.left_out[table, why] += len(norms)
            return
        sums = records_of(self.sums.records(table), norms["code"])
        withhold(sums)
        differs = _unequal(norms, sums, _SUMMED[table]) | (norms["students"] < LEAST_STUDENTS)
        excused = self.sums.excuses(table, norms["code"])
        for at in np.flatnonzero(differs & ~excused).tolist():
            yield self._difference(table, norms[at], _apart(norms[at], sums[at], _SUMMED[table]) or "too few students")
        self.left_out[table, _EXCUSED] += (not_sure := int(np.count_nonzero(differs & excused)))
        self.compared[table] += len(norms) - not_sure

    def _compare_older(self, table: str, norms: Array, of_all: Array) -> Iterator[Difference]:
        """Norms that an earlier snapshot published, beside the norms `of_all`."""
        if isinstance(self.previous, NotCompared):
            self.left_out[table, self.previous.why] += len(norms)
            return
        before: Array = of_all[:0] if self.previous is None else getattr(self.previous, table)
        published = records_of(before, norms["code"])
        fields = TABLES[table].names or ()
        for at in np.flatnonzero(_unequal(norms, published, fields)).tolist():
            apart = _apart(norms[at], published[at], fields, "the snapshot's before")
            yield self._difference(table, norms[at], apart)
        self.compared[table] += len(norms)
        if not getattr(self.snapshot.left_out, table):
            _, stays = find_codes(of_all, before["code"])
            for norm in before[~stays]:
                yield self._difference(table, norm, "it is gone, and was there in the snapshot before")

    def _find_missing(self, table: str, norms: Array) -> Iterator[Difference]:
        """What has students enough, and is not published."""
        sums = self.sums.records(table)
        _, there = find_codes(norms, sums["code"])
        missing = sums[~there & ~self.sums.excuses(table, sums["code"]) & (sums["students"] >= LEAST_STUDENTS)]
        for record in missing if not getattr(self.snapshot.left_out, table) else ():
            yield self._difference(
                table, record, f"it is missing, though {record['students']} students have part in it"
            )

    def _difference(self, table: str, norm: Array, what: str) -> Difference:
        name = np.asarray(norm["name"]).item().decode("utf-8", "replace") or f"of code {int(norm['code']):x}"
        kind = table.removesuffix("s")
        return Difference("norms", "", -1, -1, f"norms {self.snapshot.version}: the {kind} {name}: {what}")


def _unequal(norms: Array, others: Array, fields: Sequence[str]) -> Array:
    """Which records differ in one of these fields."""
    differs = np.zeros(len(norms), bool)
    for name in fields:
        unequal = norms[name] != others[name]
        differs |= unequal.any(axis=tuple(range(1, unequal.ndim)))
    return differs


def _apart(norm: Array, other: Array, fields: Sequence[str], whose: str = "the replay's") -> str:
    """In which of these fields two records differ, and how where they are numbers."""
    return ", ".join(
        f"{name} {norm[name]}, {whose} {other[name]}" if norm[name].ndim == 0 else f"{name} differ"
        for name in fields
        if np.any(norm[name] != other[name])
    )

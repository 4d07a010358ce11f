"""What is known of a group's lag at one moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.display.plain import plain
from agents.health.lag.status import LagStatus, group_status
from agents.kafka.group_members import GroupDescription
from agents.kafka.offsets import Offsets, SourcePartition


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """What waits for an open transaction: how many records, and for how long by now the same one has held them."""

    records: int
    for_s: float


@dataclass(frozen=True, slots=True)
class Lag:
    """What is known now; partitions of which nothing is known are not in `offsets` and `records`.

    `age_s` is the age of the last figures (None: there never were any), even if they no longer count. `held` are the
    partitions with an open transaction. `seconds` is for how long the oldest record that waits has waited, where that
    is known; `statuses` are Burrow's, where there are samples enough; `growth_per_s` is by how many records a second
    all of the lag grew lately. `group` is None where the broker does not tell.
    """

    offsets: Mapping[SourcePartition, Offsets]
    records: Mapping[SourcePartition, int]
    age_s: float | None
    problem: str | None
    held: Mapping[SourcePartition, OpenTransaction] = field(default_factory=dict)
    seconds: Mapping[SourcePartition, float] = field(default_factory=dict)
    statuses: Mapping[SourcePartition, LagStatus] = field(default_factory=dict)
    growth_per_s: float | None = None
    group: GroupDescription | None = None

    @property
    def total_records(self) -> int:
        """Records that wait, on all partitions of which that is known."""
        return sum(self.records.values())

    @property
    def longest_s(self) -> float | None:
        """For how long the oldest record that waits has waited, as far as that is known; None where it is of none."""
        behind = {part for part, records in self.records.items() if records > 0}
        return max((self.seconds[part] for part in behind & self.seconds.keys()), default=None if behind else 0.0)

    @property
    def status(self) -> LagStatus | None:
        """That of the group: OK, WARN or ERR; None where it is not known."""
        return group_status(self.statuses.get(part) for part in self.offsets) if self.offsets else None

    def listed(self) -> Iterator[dict[str, Any]]:
        """The partitions in their order, for JSON."""
        for part, at in sorted(self.offsets.items()):
            owner = self.group.owners.get(part) if self.group is not None else None
            yield {
                "topic": part[0],
                "partition": part[1],
                "committed": at.committed,
                "end": at.end,
                "high_watermark": at.high,
                "lag_records": self.records.get(part),
                "lag_seconds": _rounded(self.seconds.get(part)),
                "status": self.statuses.get(part),
                "owner": owner.as_json() if owner is not None else None,
                "open_transaction_records": at.held_records,
            }

    def summary(self) -> dict[str, Any]:
        """Of all partitions together, for JSON."""
        return {
            "problem": plain(self.problem) if self.problem is not None else None,
            "age_s": self.age_s,
            "status": self.status,
            "lag_records": self.total_records if self.problem is None else None,
            "lag_seconds": _rounded(self.longest_s) if self.problem is None else None,
            "growth_per_s": _rounded(self.growth_per_s),
            "group_state": self.group.state if self.group is not None else None,
            "members": len(self.group.members) if self.group is not None else None,
        }

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {**self.summary(), "partitions": list(self.listed())}


def _rounded(number: float | None) -> float | None:
    """To milliseconds."""
    return None if number is None else round(number, 3)

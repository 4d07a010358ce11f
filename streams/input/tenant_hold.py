"""What is held of whom: from a tenant's hold on, its records of that partition are dead letters, until the hold ends.

    records of north    … 998 999 1000 | 1001 1002 … 1720 | 1721 …
                                       └ hold: start 1001  └ end 1721, asked for by a release
    become                 as ever       dead letters        as ever

So what is held follows from the log and the holds alone, however records are cut into batches. Pure.
"""

import sys
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.dialects import Record
from schemas.errors import InvalidInput
from schemas.tenant_hold import TenantHoldRecord, read_hold


class HeldAnew(Exception):
    """A tenant is held from within a batch on, and that is confirmed: the batch is to be processed again."""


class Hold(NamedTuple):
    """Of a tenant's records of a partition of the input topic of this id, from `start` on."""

    topic_id: str
    partition: int
    start: int
    tenant: str


@dataclass(slots=True)
class HoldLog:
    """What `tenant-holds` says of the input topic of this id. Of several ends of a hold the last offset counts."""

    topic_id: str = ""
    _placed: dict[Hold, int] = field(default_factory=dict)
    _ends: dict[Hold, int] = field(default_factory=dict)
    _released: dict[str, int] = field(default_factory=dict)
    _by_partition: defaultdict[tuple[str, int], list[Hold]] = field(default_factory=lambda: defaultdict(list))

    def note(self, record: Record) -> None:
        """The topic's next record; what is no record of ours is passed over."""
        with suppress(InvalidInput):
            self.note_said(read_hold(record.value), record.offset)

    def note_said(self, said: TenantHoldRecord, offset: int = sys.maxsize) -> None:
        """What a record says; its offset is unknown where it was only just confirmed."""
        if said.kind == "release":
            self._released[said.tenant] = offset
            return
        hold = Hold(said.topic_id, said.partition, said.start, said.tenant)
        if hold.topic_id != self.topic_id:
            return
        if said.kind == "end":
            self._ends[hold] = max(said.end, self._ends.get(hold, 0))
            return
        if hold not in self._placed:
            self._by_partition[hold.tenant, hold.partition].append(hold)
        self._placed[hold] = min(offset, self._placed.get(hold, offset))

    def covering(self, tenant: str, partition: int, offset: int) -> Hold | None:
        """The hold that a tenant's record at this offset is under."""
        for hold in self._by_partition.get((tenant, partition), ()):
            if hold.start <= offset < self._ends.get(hold, sys.maxsize):
                return hold
        return None

    @property
    def hold_count(self) -> int:
        """How many there are, ended ones too."""
        return len(self._placed)

    @property
    def standing(self) -> list[Hold]:
        """Those without an end."""
        return [hold for hold in self._placed if hold not in self._ends]

    def released(self, partitions: Collection[int]) -> list[Hold]:
        """Those of `partitions` of which an end is asked for, and not written yet."""
        return [
            hold
            for hold in self.standing
            if hold.partition in partitions and self._placed[hold] < self._released.get(hold.tenant, -1)
        ]

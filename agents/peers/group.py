"""The group as its announcements tell it. Pure: the time is passed in.

live      announced within three of its intervals
away      not: killed, cut off, or its clock is wrong; shown until another worker owns all that it owned
(gone)    it said that it leaves
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.announcement import WorkerAnnouncement, read_announcement
from schemas.errors import InvalidInput
from streams.replay import FileRecord

INTERVALS_UNHEARD: Final = 3
_DROPPED_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Peer:
    """One worker as of some time; `age_s` is that of its announcement, `is_self` says that it is the one that tells.

    `partitions` are those that nobody has taken over since.
    """

    announced: WorkerAnnouncement
    age_s: float
    partitions: tuple[int, ...]
    is_self: bool = False

    @property
    def instance(self) -> str:
        """Its name."""
        return self.announced.instance

    @property
    def is_live(self) -> bool:
        """See the module. A worker knows of itself."""
        return self.is_self or self.age_s <= INTERVALS_UNHEARD * self.announced.interval_s


@dataclass(frozen=True, slots=True)
class WorkerGroup:
    """All workers, by name; `problem` says why that may be out of date."""

    workers: tuple[Peer, ...]
    problem: str | None = None

    def owner(self, partition: int) -> Peer | None:
        """Who owns a partition; None while nobody is known to."""
        return next((peer for peer in self.workers if partition in peer.partitions), None)

    def unowned(self, partitions: int) -> list[int]:
        """Those of 0 to `partitions` that no live worker owns."""
        owned = {partition for peer in self.workers if peer.is_live for partition in peer.partitions}
        return [partition for partition in range(partitions) if partition not in owned]


class Announced:
    """The newest announcement of each instance."""

    def __init__(self) -> None:
        self._by_instance: dict[str, WorkerAnnouncement] = {}

    def note(self, records: Iterable[FileRecord]) -> int:
        """Follow `records`, in their order; how many of them could not be read."""
        unreadable = 0
        for record in records:
            try:
                self._note_record(record)
            except (InvalidInput, UnicodeDecodeError):
                unreadable += 1
        return unreadable

    def clear(self) -> None:
        """Begin anew: the topic did."""
        self._by_instance.clear()

    def group(self, own: WorkerAnnouncement, now: datetime, problem: str | None = None) -> WorkerGroup:
        """The group, as the worker sees it that says `own` of itself."""
        stale = [name for name, each in self._by_instance.items() if now - each.at > _DROPPED_AFTER]
        for name in stale:
            del self._by_instance[name]
        known = {**self._by_instance, own.instance: own}
        owners = _owners(known)
        peers = []
        for name, announced in sorted(known.items()):
            partitions = tuple(partition for partition in announced.partitions if owners[partition] == name)
            peer = Peer(announced, (now - announced.at).total_seconds(), partitions, name == own.instance)
            if peer.is_live or partitions:
                peers.append(peer)
        return WorkerGroup(tuple(peers), problem)

    def _note_record(self, record: FileRecord) -> None:
        instance = (record.key or b"").decode()
        if record.value is None:
            self._by_instance.pop(instance, None)
            return
        announced = read_announcement(record.value)
        if announced.instance != instance:
            raise InvalidInput("not_an_announcement", "an announcement under another key")
        self._by_instance[instance] = announced


def _owners(known: Mapping[str, WorkerAnnouncement]) -> dict[int, str]:
    """By partition, who has announced it as its own for the shortest time: partitions move, and the former owner may
    not have said so.
    """
    in_order = sorted(known.values(), key=lambda each: (each.since, each.instance))
    return {partition: each.instance for each in in_order for partition in each.partitions}

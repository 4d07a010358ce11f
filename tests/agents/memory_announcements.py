"""The workers' topic in memory."""

from dataclasses import dataclass

from streams.replay import FileRecord


@dataclass(frozen=True, slots=True)
class _Written:
    instance: str
    value: bytes | None


class MemoryAnnouncements:
    """Implements AnnouncementLog, for one process; others of the same `log` see what is written."""

    def __init__(self, log: list[_Written] | None = None) -> None:
        self.log = [] if log is None else log
        self._next = 0

    def read_on(self) -> list[FileRecord]:
        """See AnnouncementLog."""
        new, first = self.log[self._next :], self._next
        self._next = len(self.log)
        return [
            FileRecord(first + index, 0, written.value, "skillstream-workers", 0, written.instance.encode())
            for index, written in enumerate(new)
        ]

    def announce(self, instance: str, value: bytes | None) -> None:
        """See AnnouncementLog."""
        self.log.append(_Written(instance, value))

    def close(self) -> None:
        """Nothing."""

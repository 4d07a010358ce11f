"""Students whose erasure a worker has begun and not finished, and since when."""

from collections.abc import Callable, Iterable
from time import monotonic


class OpenErasures:
    """Of one worker, in the order in which they began, by its own clock."""

    def __init__(self, clock_s: Callable[[], float] = monotonic) -> None:
        self._clock_s = clock_s
        self._since_s: dict[tuple[int, bytes], float] = {}

    def begin(self, partition: int, key: bytes) -> None:
        """A request is being accepted; asked again, it goes on being as old as it is."""
        self._since_s.setdefault((partition, key), self._clock_s())

    def finish(self, partition: int, key: bytes) -> None:
        """It is carried out."""
        self._since_s.pop((partition, key), None)

    def drop(self, partitions: Iterable[int]) -> None:
        """Another worker's by now."""
        gone = frozenset(partitions)
        self._since_s = {(at, key): since for (at, key), since in self._since_s.items() if at not in gone}

    def __len__(self) -> int:
        """How many students."""
        return len(self._since_s)

    @property
    def oldest_s(self) -> float:
        """For how long the first of them has been waiting; 0 for none."""
        oldest = next(iter(self._since_s.values()), None)
        return 0.0 if oldest is None else self._clock_s() - oldest

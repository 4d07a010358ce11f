"""How long a broker may hold a fetch back when it has nothing to give, and how much of one is handed on at once.

All of it is private to aiokafka 0.14.0.

aiokafka has one fetch at a time on its way to a broker, and leaves out partitions whose records lie in its buffer. A
fetch of what is left, erasures and results that hardly ever come, would keep the busy partitions waiting for as long
as the broker may hold it back: so such a fetch returns at once.

A fetch of compressed batches may be a thousand times as large when it is unpacked. aiokafka makes records of all of it;
`SizedFetch` stops at MOST_BYTES, and goes on where it was when more is asked for.
"""

from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of keys and values of one partition that are handed on at once; one record may be larger."""
_ALL_MS: Final = 500
_PART_MS: Final = 5


def fetch_promptly(fetcher: Fetcher) -> None:
    """Let the broker hold back only fetches of all partitions that are read."""
    plan = fetcher._get_actions_per_node

    def planned(assignment: Any) -> Any:
        left_out = any(tp in fetcher._records and not assignment.state_value(tp).paused for tp in assignment.tps)
        fetcher._fetch_max_wait_ms = _PART_MS if left_out else _ALL_MS
        return plan(assignment)

    fetcher._get_actions_per_node = planned


class SizedFetch(fetcher.FetchResult):  # type: ignore[misc]
    """A partition's share of a fetch; `getall` is that of aiokafka, with another bound."""

    def getall(self, max_records: int | None = None) -> list[Any]:
        """The next records of at most MOST_BYTES, or one that is larger; what is left stays for the next call."""
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        found: list[Any] = []
        size_bytes = 0
        for record in self._partition_records:  # type: ignore[has-type]
            found.append(record)
            size_bytes += len(record.key or b"") + len(record.value or b"")
            if size_bytes >= MOST_BYTES or len(found) == max_records:
                self._update_position()
                return found
        self._update_position()
        self._partition_records = None
        return found


def size_fetches() -> None:
    """Let every fetcher of this process hand on what it fetched in pieces of bounded size. Idempotent."""
    fetcher.FetchResult = SizedFetch

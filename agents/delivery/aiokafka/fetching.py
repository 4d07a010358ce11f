"""How long a broker may hold a fetch back, and how much of one is handed on at once.

All of it is private to aiokafka 0.14.0.

    nothing comes    the broker holds a fetch until a record comes    one event on an idle worker is worked on at once
    records come     it holds the next one for `collect_ms`,          one batch of all that came, and not one a record
                     whatever comes meanwhile

So the broker collects a batch while the former one is worked on, and a worker that has little to do does not pay a step
for every record. aiokafka has one fetch at a time on its way to a broker, and leaves out partitions whose records lie
in its buffer. A fetch of what is left, erasures and results that hardly ever come, would keep the busy partitions
waiting for as long as the broker may hold it back: so such a fetch returns at once. Paused partitions' records are
dropped from the buffer: nobody will ask for them, and whoever resumes a partition seeks first.

A fetch of compressed batches may be a thousand times as large when it is unpacked. aiokafka makes records of all of it;
`SizedFetch` stops at MOST_BYTES, and goes on where it was when more is asked for.
"""

from collections.abc import Callable
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import Fetcher

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of keys and values of one partition that are handed on at once; one record may be larger."""
_ENOUGH_BYTES: Final = 1024 * 1024
"""So many are not held back: there is more to do than one step's fixed cost."""
LONGEST_WAIT_MS: Final = 500
"""A fetch of all that is read, where nothing comes."""
_PART_MS: Final = 5


def plan_fetches(fetcher: Fetcher, collect_ms: Callable[[], int]) -> None:
    """Have brokers hold fetches back as the module says. `collect_ms` is asked in the fetcher's thread."""
    plan, fetch = fetcher._get_actions_per_node, fetcher._proc_fetch_request
    flowing: set[int] = set()

    async def fetched(assignment: Any, node_id: int, request: Any) -> bool:
        has_records: bool = await fetch(assignment, node_id, request)
        (flowing.add if has_records else flowing.discard)(node_id)
        return has_records

    def planned(assignment: Any) -> Any:
        for tp in [tp for tp in fetcher._records if tp in assignment.tps and assignment.state_value(tp).paused]:
            del fetcher._records[tp]
        is_part = any(tp in fetcher._records for tp in assignment.tps)
        requests, *others = plan(assignment)
        for node_id, request in requests:
            request._max_wait_ms = _PART_MS if is_part else collect_ms() if node_id in flowing else LONGEST_WAIT_MS
            request._min_bytes = _ENOUGH_BYTES if node_id in flowing and not is_part else 1
        return requests, *others

    fetcher._get_actions_per_node = planned
    fetcher._proc_fetch_request = fetched


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

"""How long a broker may hold a fetch back when it has nothing to give. All of it is private to aiokafka 0.14.0.

aiokafka has one fetch at a time on its way to a broker, and leaves out partitions whose records lie in its buffer. A
fetch of what is left, erasures and results that hardly ever come, would keep the busy partitions waiting for as long
as the broker may hold it back: so such a fetch returns at once.
"""

from typing import Any, Final

from aiokafka.consumer.fetcher import Fetcher

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

"""How Kafka keeps the table's log: compacted so often that restoring reads little more than the rows, and no sooner
than the guard has seen what a zombie wrote.

    │ compacted: a record a row │ superseded ones, at most a fifth of the bytes │ not to be compacted yet │
                                                                                └ the segment being written, SEGMENT_MS,
                                                                                  and what is younger than the lag
"""

from collections.abc import Mapping
from math import ceil
from typing import Final

SEGMENT_MS: Final = 180_000
"""The segment that is written to is never compacted: a new one begins with the first record after this long."""
LOG_SEGMENT_BYTES: Final = 128 * 1024 * 1024
DIRTY_RATIO: Final = "0.2"
"""Of bytes, of what may be compacted: a batch of which most is superseded packs less well, so what is not compacted yet
has more records than its bytes tell."""
ERASED_WITHIN_MS: Final = 3_600_000
"""No superseded row outlives this by more than a segment and a run of the cleaner."""
TOMBSTONES_MS: Final = 86_400_000
_SAFETY: Final = 2


def compaction_lag_ms(session_timeout_s: float, request_timeout_s: float, guard_interval_s: float) -> int:
    """For how long a record of the log stays, though a newer one of its key came.

    A member that is paused writes nothing that was begun later than its session lasts; what it had sent is with the
    broker within a request's time, or never; the guard of the new owner looks once an interval. By then the foreign
    record is known and written over. Twice that, for clocks and slow answers.
    """
    return ceil(_SAFETY * (session_timeout_s + request_timeout_s + guard_interval_s)) * 1000


def compacted(lag_ms: int) -> Mapping[str, str]:
    """Kafka's settings of the log; `lag_ms` as above."""
    return {
        "cleanup.policy": "compact",
        "min.compaction.lag.ms": str(lag_ms),
        "max.compaction.lag.ms": str(max(ERASED_WITHIN_MS, lag_ms)),
        "segment.ms": str(SEGMENT_MS),
        "segment.bytes": str(LOG_SEGMENT_BYTES),
        "min.cleanable.dirty.ratio": DIRTY_RATIO,
        "delete.retention.ms": str(TOMBSTONES_MS),
    }

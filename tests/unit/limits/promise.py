"""Did a limit hold? Checks over a log of what was granted, independent of how it was granted.

A log is (time in µs, units) in order of time.
"""

from collections.abc import Sequence

from streams.limits.bucket import Bucket

GrantLog = Sequence[tuple[int, int]]


def most_in_any_window(log: GrantLog, window_us: int) -> int:
    """The most units granted in any closed window of `window_us`: both ends count."""
    most = total = first = 0
    for at_us, units in log:
        total += units
        while log[first][0] < at_us - window_us:
            total -= log[first][1]
            first += 1
        most = max(most, total)
    return most


def is_honoured(log: GrantLog, bucket: Bucket) -> bool:
    """Whether `bucket` kept its promise over the whole log."""
    return most_in_any_window(log, bucket.window_us) <= bucket.limit

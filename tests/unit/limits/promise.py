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


def burst_exceeded(log: GrantLog, bucket: Bucket) -> bool:
    """Whether grants ever ran ahead of the refill by more than the bucket's depth.

    max over j of (v_j − min over i ≤ j of v_i) + units_i > depth, with v = units so far − rate·t, in whole
    numbers (times window_us). Stricter than the window alone: it bounds every interval, short or long.
    """
    rate_units = max(1, bucket.limit - bucket.depth)
    spent = 0
    lowest = None
    for at_us, units in log:
        before = spent * bucket.window_us - rate_units * at_us
        lowest = before if lowest is None else min(lowest, before)
        spent += units
        if before + units * bucket.window_us - lowest > bucket.depth * bucket.window_us:
            return True
    return False


def is_honoured(log: GrantLog, bucket: Bucket) -> bool:
    """Whether `bucket` kept its promise over the whole log."""
    return most_in_any_window(log, bucket.window_us) <= bucket.limit and not burst_exceeded(log, bucket)

"""What a limit means, said once more: by definitions, in exact fractions, slowly. Shares nothing with the ledger."""

from fractions import Fraction
from itertools import count

from streams.limits.bucket import Bucket

SLACK_OF_WINDOW = 300
AT_ONCE = 5
MOST_SLACK_US = 1_000_000


class ModelBucket:
    """Grants of one unit each, at times that never go back. The bucket starts full at `now_us`."""

    def __init__(self, bucket: Bucket, now_us: int) -> None:
        self.bucket = bucket
        self.rate = Fraction(bucket.limit, bucket.window_s * 1_000_000)
        self.counted = bucket.window_s * 1_000_000 + min(bucket.window_s * 1_000_000 // SLACK_OF_WINDOW, MOST_SLACK_US)
        self.level = Fraction(bucket.limit)
        self.at = now_us
        self.granted: list[int] = []

    def admits(self, now_us: int) -> bool:
        """Whether one more unit is granted at `now_us`."""
        return (
            self._level(now_us) >= 1
            and self._counting(now_us) < self.bucket.limit
            and self._pace_is_kept(now_us)
            and (self._counting(now_us) < self._at_once() or self._leaves_enough(now_us))
        )

    def take(self, now_us: int) -> None:
        """One unit is granted."""
        self.level, self.at = self._level(now_us) - 1, now_us
        self.granted.append(now_us)

    def _level(self, now_us: int) -> Fraction:
        """What the bucket holds: refilled at the rate, never above the limit."""
        return min(Fraction(self.bucket.limit), self.level + self.rate * (now_us - self.at))

    def _counting(self, now_us: int) -> int:
        return sum(at >= now_us - self.counted for at in self.granted)

    def _at_once(self) -> int:
        return min(self.bucket.burst or self.bucket.limit, self.bucket.limit)

    def _pace_is_kept(self, now_us: int) -> bool:
        still_counting = [at for at in self.granted if at >= now_us - self.counted]
        if len(still_counting) < AT_ONCE or not self.bucket.pace:
            return True
        return self.rate * self.bucket.pace * (now_us - still_counting[-AT_ONCE]) >= AT_ONCE

    def _leaves_enough(self, now_us: int) -> bool:
        """Whether grants could go on for ever in steps as long as this one, each of them finding room.

        By definition: the k-th grant from now on, `now` being the first, comes k steps after the newest one.
        """
        newest = self.granted[-1]
        step = now_us - newest
        until = newest + self.counted + 1
        for k in count(1):
            at = newest + k * step
            if at > until or k > self.bucket.limit:
                return True
            if sum(granted >= at - self.counted for granted in self.granted) + k - 1 >= self.bucket.limit:
                return False
        raise AssertionError("count() ends nowhere")

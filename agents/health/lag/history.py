"""When a partition ended where: from that, for how long a record has waited.

    offset
      │            ·── ·  the end, as it was sampled
      │          /
    5 ┼ ─ ─ ─ ─/          A record between the ends of two samples was appended between the two: the estimate is on the
      │  ·── ·            straight line, and never wrong by more than the time between them. Where the end stood still,
      └───────┴────────   its first and its last sample are kept.
              appended    time

The estimate is that of kafka-lag-exporter (https://github.com/seglo/kafka-lag-exporter, "interpolation").
"""

from itertools import pairwise
from typing import Final, NamedTuple

MAX_POINTS: Final = 64


class _Point(NamedTuple):
    at_s: float
    end: int


class EndHistory:
    """Of one partition, in times of one monotonic clock. Keeps what is needed of records that wait, and `limit` points
    at most: where there are more, the one is forgotten without which estimates change least.
    """

    def __init__(self, limit: int = MAX_POINTS) -> None:
        self._limit = limit
        self._points: list[_Point] = []
        self._seed: _Point | None = None

    def note(self, now_s: float, end: int, next_offset: int) -> None:
        """The partition ends at `end` now, and is read from `next_offset` on. To be called in the order of time."""
        points = self._points
        if points and end < points[-1].end:  # another topic of the same name, or a leader that had less
            points.clear()
            self._seed = None
        if len(points) > 1 and points[-1].end == points[-2].end == end:
            points.pop()
        points.append(_Point(now_s, end))
        while len(points) > 1 and points[1].end <= next_offset:
            del points[0]
        if points[0].end <= next_offset:
            self._seed = None
        if len(points) > self._limit:
            del points[min(range(1, len(points) - 1), key=self._cost_s)]

    def seed(self, now_s: float, offset: int, age_s: float) -> None:
        """The record at `offset` says of itself that it is `age_s` old: for records from before the first sample."""
        if self._points and offset < self._points[0].end:
            self._seed = _Point(min(now_s - max(0.0, age_s), self._points[0].at_s), offset)

    def is_sampled(self, offset: int) -> bool:
        """Whether the record at `offset` was appended since the first sample."""
        return bool(self._points) and self._points[0].end <= offset

    def waited_s(self, now_s: float, offset: int) -> float | None:
        """For how long the record at `offset` has been there; 0 where it is not there yet. None: unknown."""
        points = [self._seed, *self._points] if self._seed is not None else self._points
        if not points or offset < points[0].end:
            return None
        for before, after in pairwise(points):
            if before.end <= offset < after.end:
                share = (offset - before.end) / (after.end - before.end)
                return max(0.0, now_s - before.at_s - share * (after.at_s - before.at_s))
        return 0.0

    def _cost_s(self, index: int) -> float:
        """By how much estimates change at most without that point: it lies so far from the line that would stay."""
        before, point, after = self._points[index - 1 : index + 2]
        if after.end == before.end:
            return 0.0
        share = (point.end - before.end) / (after.end - before.end)
        return abs(point.at_s - before.at_s - share * (after.at_s - before.at_s))

    def __len__(self) -> int:
        return len(self._points)

"""A histogram of ages that is given many at once: prometheus_client's own takes one, at a microsecond each."""

import math
import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_FEW: Final = 12
"""Fewer are counted one by one sooner than as an array."""


class AgesHistogram(Collector):
    """How old things were, in seconds. A bucket holds what is at most its bound, as Prometheus has it. Safe to use from
    any thread.
    """

    def __init__(self, name: str, meaning: str, bounds_s: Sequence[float]) -> None:
        """`bounds_s` rise; beyond the last is infinity."""
        self._name = name
        self._meaning = meaning
        self._bounds_ms = [bound_s * 1000 for bound_s in bounds_s]
        self._labels = [
            floatToGoString(bound_s)  # type: ignore[no-untyped-call]
            for bound_s in (*bounds_s, math.inf)
        ]
        self._counts = [0] * len(self._labels)
        self._sum_ms = 0.0
        self._lock = threading.Lock()

    def observe(self, since_ms: NDArray[np.int64], now_ms: float) -> None:
        """Count what began at these times, and ends now. What lies in the future is of age 0; a negative time is
        unknown, and not counted.
        """
        few = len(since_ms) < _FEW
        counts, sum_ms = self._of_few(since_ms.tolist(), now_ms) if few else self._of_many(since_ms, now_ms)
        with self._lock:
            for bucket, count in counts:
                self._counts[bucket] += count
            self._sum_ms += sum_ms

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        with self._lock:
            counts, sum_ms = list(self._counts), self._sum_ms
        buckets = list(zip(self._labels, np.cumsum(counts).tolist(), strict=True))
        yield HistogramMetricFamily(self._name, self._meaning, buckets, sum_ms / 1000)

    @property
    def bounds_s(self) -> list[float]:
        """The buckets' upper ends, in seconds; one more bucket is for what is above."""
        return [bound_ms / 1000 for bound_ms in self._bounds_ms]

    @property
    def counts(self) -> list[int]:
        """How many each bucket has, without those below it."""
        with self._lock:
            return list(self._counts)

    def _of_few(self, since_ms: Sequence[int], now_ms: float) -> tuple[list[tuple[int, int]], float]:
        ages_ms = [max(0.0, now_ms - each) for each in since_ms if each >= 0]
        return [(bisect_left(self._bounds_ms, age_ms), 1) for age_ms in ages_ms], sum(ages_ms)

    def _of_many(self, since_ms: NDArray[np.int64], now_ms: float) -> tuple[list[tuple[int, int]], float]:
        ages_ms = np.maximum(now_ms - since_ms[since_ms >= 0], 0.0)
        counts = np.bincount(np.searchsorted(self._bounds_ms, ages_ms))
        return list(enumerate(counts.tolist())), float(ages_ms.sum())

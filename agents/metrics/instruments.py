"""The kinds of metric, as thin types over prometheus_client: labels are checked by type, and bounded in number.

All are safe to use from any thread. Names are given without the prefix; counters are exposed with `_total`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeVar

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry

from agents.metrics.ages import AgesHistogram

prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter was made tells operators nothing

METRIC_PREFIX: Final = "skillstream"
MAX_LABEL_VALUES: Final = 256
MAX_LABEL_CHARS: Final = 64
MAX_MODELS: Final = 16
OTHER_LABEL: Final = "other"

MetricKind = Literal["counter", "gauge", "histogram"]
AddsUp = Literal["yes", "by label", "no"]
"""Whether a sum is a total: over workers and labels; over workers, for one set of labels, as others overlap; not at
all, being the same in every worker, or no amount.
"""
_Label = TypeVar("_Label", bound=str)


@dataclass(frozen=True, slots=True)
class Declared:
    """What the documentation says of a metric; `name` is the one that Prometheus sees."""

    name: str
    kind: MetricKind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    adds_up: AddsUp = "yes"


class Counter:
    """A sum that only grows."""

    def __init__(self, counter: prometheus.Counter) -> None:
        self._counter = counter

    def add(self, amount: float = 1) -> None:
        """Raises ValueError for a negative amount."""
        self._counter.inc(amount)

    def raise_to(self, total: float) -> None:
        """Follow a sum that is kept elsewhere; one that is lower changes nothing."""
        self._counter.inc(max(0.0, total - self.value))

    @property
    def value(self) -> float:
        return _sum_of(self._counter, "_total")


class CounterBy(Generic[_Label]):
    """A counter a label value. Beyond MAX_LABEL_VALUES of them, or for a long one, what comes is counted as `other`."""

    def __init__(self, counter: prometheus.Counter, known: Sequence[_Label]) -> None:
        self._counter = counter
        self._known: set[str] = set(known)
        for label in known:
            counter.labels(label)

    def add(self, label: _Label, amount: float = 1) -> None:
        """0 changes nothing, and costs nothing. Raises ValueError for a negative amount."""
        if amount:
            self._counter.labels(self._bounded(label)).inc(amount)

    def know(self, label: _Label) -> None:
        """Have it, at 0 as long as nothing is added."""
        self._counter.labels(self._bounded(label))

    def values(self) -> dict[str, float]:
        """The sums so far, by label value."""
        samples = (sample for metric in self._counter.collect() for sample in metric.samples)
        return {next(iter(s.labels.values())): s.value for s in samples if s.name.endswith("_total")}

    def _bounded(self, label: str) -> str:
        if label not in self._known:
            if len(self._known) >= MAX_LABEL_VALUES or len(label) > MAX_LABEL_CHARS:
                return OTHER_LABEL
            self._known.add(label)
        return label


class CounterByName:
    """A counter by dialect and name. Names come from a table: who adds them sees to that."""

    def __init__(self, counter: prometheus.Counter) -> None:
        self._counter = counter

    def add(self, dialect: str, name: str, amount: float = 1) -> None:
        """Raises ValueError for a negative amount."""
        self._counter.labels(dialect, name).inc(amount)


class CounterByModel:
    """A counter by the reasoning model's name and a second label.

    Servers name themselves as they like: beyond MAX_MODELS names, or for a long one, what comes is counted as `other`.
    """

    def __init__(self, counter: prometheus.Counter) -> None:
        self._counter = counter
        self._known: set[str] = set()

    def add(self, model: str, label: str, amount: float = 1) -> None:
        """Raises ValueError for a negative amount."""
        if model not in self._known:
            if len(self._known) >= MAX_MODELS or len(model) > MAX_LABEL_CHARS:
                model = OTHER_LABEL
            self._known.add(model)
        self._counter.labels(model, label).inc(amount)


class CounterByTenant:
    """A counter by tenant and a second label. Tenants are those of a file, and the other label's values are few: who
    adds them sees to that.
    """

    def __init__(self, counter: prometheus.Counter) -> None:
        self._counter = counter

    def add(self, tenant: str, label: str, amount: float = 1) -> None:
        """Raises ValueError for a negative amount."""
        self._counter.labels(tenant, label).inc(amount)

    def by_tenant(self) -> dict[str, float]:
        """The sums so far, whatever the other label."""
        sums: dict[str, float] = {}
        for sample in (sample for metric in self._counter.collect() for sample in metric.samples):
            if sample.name.endswith("_total"):
                sums[sample.labels["tenant"]] = sums.get(sample.labels["tenant"], 0.0) + sample.value
        return sums


class Gauge:
    """A value that goes up and down; NaN is 'unknown'."""

    def __init__(self, gauge: prometheus.Gauge) -> None:
        self._gauge = gauge

    def set(self, value: float | None) -> None:
        """Replace the value; None for unknown."""
        self._gauge.set(math.nan if value is None else value)

    @property
    def value(self) -> float:
        return _sum_of(self._gauge, "")


class GaugeBy:
    """A gauge a set of label values. What isn't known has no sample: it is absent, not 0."""

    def __init__(self, gauge: prometheus.Gauge) -> None:
        self._gauge = gauge

    def replace(self, values: Mapping[tuple[str, ...], float]) -> None:
        """Set these and forget all others."""
        self._gauge.clear()
        for labels, value in values.items():
            self._gauge.labels(*labels).set(value)

    def values(self) -> dict[tuple[str, ...], float]:
        """What was set last."""
        samples = (sample for metric in self._gauge.collect() for sample in metric.samples)
        return {tuple(sample.labels.values()): sample.value for sample in samples}


class Histogram:
    """A distribution."""

    def __init__(self, histogram: prometheus.Histogram) -> None:
        self._histogram = histogram

    def observe(self, value: float) -> None:
        self._histogram.observe(value)

    @property
    def count(self) -> float:
        return _sum_of(self._histogram, "_count")


def _sum_of(metric: prometheus.Counter | prometheus.Gauge | prometheus.Histogram, suffix: str) -> float:
    samples = (sample for family in metric.collect() for sample in family.samples if sample.name.endswith(suffix))
    return next((sample.value for sample in samples), math.nan)


@dataclass(slots=True)
class Declarations:
    """Makes metrics in `registry`, and remembers each declaration, in order."""

    registry: CollectorRegistry
    made: list[Declared] = field(default_factory=list)

    def counter(self, name: str, unit: str, meaning: str) -> Counter:
        self._note(f"{name}_total", "counter", unit, meaning)
        return Counter(prometheus.Counter(name, meaning, namespace=METRIC_PREFIX, registry=self.registry))

    def counter_by(
        self,
        label: str,
        name: str,
        unit: str,
        meaning: str,
        known: Sequence[_Label] = (),
        *,
        adds_up: AddsUp = "yes",
    ) -> CounterBy[_Label]:
        """Those `known` are there from the start, at 0."""
        self._note(f"{name}_total", "counter", unit, meaning, (label,), adds_up)
        return CounterBy(
            prometheus.Counter(name, meaning, [label], namespace=METRIC_PREFIX, registry=self.registry), known
        )

    def counter_by_name(self, name: str, unit: str, meaning: str) -> CounterByName:
        labels = ("dialect", "name")
        self._note(f"{name}_total", "counter", unit, meaning, labels)
        return CounterByName(prometheus.Counter(name, meaning, labels, namespace=METRIC_PREFIX, registry=self.registry))

    def counter_by_model(
        self, label: str, name: str, unit: str, meaning: str, *, adds_up: AddsUp = "yes"
    ) -> CounterByModel:
        labels = ("model", label)
        self._note(f"{name}_total", "counter", unit, meaning, labels, adds_up)
        return CounterByModel(
            prometheus.Counter(name, meaning, labels, namespace=METRIC_PREFIX, registry=self.registry)
        )

    def counter_by_tenant(self, label: str, name: str, unit: str, meaning: str) -> CounterByTenant:
        labels = ("tenant", label)
        self._note(f"{name}_total", "counter", unit, meaning, labels)
        return CounterByTenant(
            prometheus.Counter(name, meaning, labels, namespace=METRIC_PREFIX, registry=self.registry)
        )

    def gauge(self, name: str, unit: str, meaning: str, *, adds_up: AddsUp = "no") -> Gauge:
        self._note(name, "gauge", unit, meaning, adds_up=adds_up)
        gauge = Gauge(prometheus.Gauge(name, meaning, namespace=METRIC_PREFIX, registry=self.registry))
        gauge.set(None)
        return gauge

    def gauge_by(
        self,
        labels: tuple[str, ...],
        name: str,
        unit: str,
        meaning: str,
        *,
        prefix: str = METRIC_PREFIX,
        adds_up: AddsUp = "no",
    ) -> GaugeBy:
        """With another `prefix`: under a name that others gave it."""
        self._note(name, "gauge", unit, meaning, labels, adds_up, prefix)
        return GaugeBy(prometheus.Gauge(name, meaning, labels, namespace=prefix, registry=self.registry))

    def histogram(self, name: str, unit: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        self._note(name, "histogram", unit, meaning)
        return Histogram(
            prometheus.Histogram(name, meaning, namespace=METRIC_PREFIX, registry=self.registry, buckets=buckets)
        )

    def ages(self, name: str, meaning: str, buckets_s: Sequence[float]) -> AgesHistogram:
        """Of many seconds at once."""
        self._note(name, "histogram", "seconds", meaning)
        ages = AgesHistogram(f"{METRIC_PREFIX}_{name}", meaning, buckets_s)
        self.registry.register(ages)
        return ages

    def _note(
        self,
        name: str,
        kind: MetricKind,
        unit: str,
        meaning: str,
        labels: tuple[str, ...] = (),
        adds_up: AddsUp = "yes",
        prefix: str = METRIC_PREFIX,
    ) -> None:
        self.made.append(Declared(f"{prefix}_{name}", kind, unit, meaning, labels, adds_up))

"""What a worker counts and measures: `Metrics` declares it all; `python -m agents.metrics` prints docs/metrics.md."""

from agents.metrics.declared import EventOutcome, Metrics
from agents.metrics.instruments import Counter, CounterBy, Declared, Gauge, Histogram

__all__ = ["Counter", "CounterBy", "Declared", "EventOutcome", "Gauge", "Histogram", "Metrics"]

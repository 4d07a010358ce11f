"""What a worker counts and measures: `Metrics` declares it all; `python -m agents.metrics` prints docs/metrics.md."""

from agents.metrics.declared import CallOutcome, EventOutcome, Metrics
from agents.metrics.instruments import Counter, CounterBy, Declared, Gauge, Histogram

__all__ = ["CallOutcome", "Counter", "CounterBy", "Declared", "EventOutcome", "Gauge", "Histogram", "Metrics"]

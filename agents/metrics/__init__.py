"""What a worker counts and measures: `Metrics` declares it all; `python -m agents.metrics` prints docs/metrics.md."""

from agents.metrics.declared.metrics import Metrics

__all__ = ["Metrics"]

"""How far the group is behind, by the broker's own figures."""

from agents.health.lag.broker import BrokerOffsets, OffsetReader
from agents.health.lag.monitor import Held, Lag, LagMonitor
from agents.kafka.offsets import Offsets, Part

__all__ = ["BrokerOffsets", "Held", "Lag", "LagMonitor", "OffsetReader", "Offsets", "Part"]

"""How far the group is behind, by the broker's own figures."""

from agents.health.lag.broker import BrokerOffsets, LagUnknown, OffsetReader, Offsets, Part
from agents.health.lag.monitor import Held, Lag, LagMonitor

__all__ = ["BrokerOffsets", "Held", "Lag", "LagMonitor", "LagUnknown", "OffsetReader", "Offsets", "Part"]

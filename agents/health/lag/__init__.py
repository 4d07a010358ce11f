"""How far the group is behind, by the broker's own figures."""

from agents.health.lag.broker import BrokerOffsets, OffsetReader
from agents.health.lag.monitor import Lag, LagMonitor, OpenTransaction
from agents.kafka.offsets import Offsets, SourcePartition

__all__ = ["BrokerOffsets", "Lag", "LagMonitor", "OffsetReader", "Offsets", "OpenTransaction", "SourcePartition"]

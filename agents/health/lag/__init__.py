"""How far the group is behind, by the broker's own figures."""

from agents.health.lag.broker import BrokerOffsets
from agents.health.lag.monitor import Lag, LagMonitor, OpenTransaction

__all__ = ["BrokerOffsets", "Lag", "LagMonitor", "OpenTransaction"]

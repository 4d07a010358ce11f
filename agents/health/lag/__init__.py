"""How far the group is behind, by the broker's own figures."""

from agents.health.lag.bounds import DEFAULT_LAG_BOUNDS, LagBounds
from agents.health.lag.broker import BrokerOffsets
from agents.health.lag.figures import Lag, OpenTransaction
from agents.health.lag.monitor import LagMonitor
from agents.health.lag.publishing import publish_group_lag

__all__ = [
    "DEFAULT_LAG_BOUNDS",
    "BrokerOffsets",
    "Lag",
    "LagBounds",
    "LagMonitor",
    "OpenTransaction",
    "publish_group_lag",
]

"""How a worker is: what it needs, whether it advances, and why not."""

from agents.health.checker import BrokerPing, Health, Stalled
from agents.health.report import ComponentStatus, HealthReport
from agents.health.snapshot import ConfigState, IdentityState, NormsState, ReasoningState
from agents.health.watched import HealthBounds, Server, SourceFailures, Watched

__all__ = [
    "BrokerPing",
    "ComponentStatus",
    "ConfigState",
    "Health",
    "HealthBounds",
    "HealthReport",
    "IdentityState",
    "NormsState",
    "ReasoningState",
    "Server",
    "SourceFailures",
    "Stalled",
    "Watched",
]

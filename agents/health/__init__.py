"""How a worker is: what it needs, whether it advances, and why not."""

from agents.health.assessment import assess
from agents.health.checker import BrokerPing, Health, Stalled
from agents.health.report import ComponentState, ComponentStatus, HealthReport
from agents.health.snapshot import Probe, ReasoningState, Snapshot, WorkerState
from agents.health.watched import Ask, HealthBounds, Server, SourceFailures, Watched

__all__ = [
    "Ask",
    "BrokerPing",
    "ComponentState",
    "ComponentStatus",
    "Health",
    "HealthBounds",
    "HealthReport",
    "Probe",
    "ReasoningState",
    "Server",
    "Snapshot",
    "SourceFailures",
    "Stalled",
    "Watched",
    "WorkerState",
    "assess",
]

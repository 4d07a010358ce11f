"""How a worker is: what it needs, whether it advances, and why not."""

from agents.health.assessment import assess
from agents.health.checker import Ask, BrokerPing, Health, Server, SourceFailures, Stalled
from agents.health.report import ComponentState, ComponentStatus, HealthReport
from agents.health.snapshot import Probe, ReasoningState, Snapshot, WorkerState

__all__ = [
    "Ask",
    "BrokerPing",
    "ComponentState",
    "ComponentStatus",
    "Health",
    "HealthReport",
    "Probe",
    "ReasoningState",
    "Server",
    "Snapshot",
    "SourceFailures",
    "Stalled",
    "WorkerState",
    "assess",
]

"""How a worker is: what it needs, whether it advances, and why not."""

from agents.health.checker import Ask, BrokerPing, Health, Server, SourceFailures, Stalled
from agents.health.judge import judge
from agents.health.report import Component, Report, Status
from agents.health.snapshot import Probe, ReasoningState, Snapshot, WorkerState

__all__ = [
    "Ask",
    "BrokerPing",
    "Component",
    "Health",
    "Probe",
    "ReasoningState",
    "Report",
    "Server",
    "Snapshot",
    "SourceFailures",
    "Stalled",
    "Status",
    "WorkerState",
    "judge",
]

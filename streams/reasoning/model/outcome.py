"""What an Explainer did, for counting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

CallOutcome: TypeAlias = Literal[
    "ok", "throttled", "unavailable", "blocked", "bad_reply", "refused", "too_large", "failed"
]
RequestOutcome: TypeAlias = Literal[
    "explained",
    "template_nothing_to_ask",
    "template_rejected",
    "template_refused",
    "template_too_large",
    "template_gave_up",
    "later_throttled",
    "later_blocked",
    "later_unavailable",
    "later_retries_spent",
]


@dataclass(frozen=True, slots=True)
class Called:
    """A request to `model`, and how it went: `bad_reply` where the check found `faults`. Costs are 0 where unknown."""

    outcome: CallOutcome
    model: str
    duration_s: float
    input_tokens: int = 0
    output_tokens: int = 0
    micro_usd: int = 0
    faults: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """The outcome of one try to explain a student."""

    outcome: RequestOutcome


CallObserver = Callable[[Called | Tried], None]


def ignore_call(_event: Called | Tried) -> None:
    """The observer that nobody asked for."""

"""What an Explainer did, for counting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from streams.spending.usage import NO_TOKENS, TokenUsage

CallOutcome: TypeAlias = Literal[
    "ok", "throttled", "unavailable", "blocked", "bad_reply", "refused", "too_large", "failed"
]
RequestOutcome: TypeAlias = Literal[
    "explained",
    "reused",
    "template_nothing_to_ask",
    "template_rejected",
    "template_refused",
    "template_too_large",
    "template_gave_up",
    "template_spent",
    "template_language",
    "later_throttled",
    "later_blocked",
    "later_unavailable",
    "later_retries_spent",
]


@dataclass(frozen=True, slots=True)
class Called:
    """A request to `model`, and how it went: `bad_reply` where the check found `faults`. Tokens are none where unknown;
    `nano_usd` is then what was reserved. `tenant` pays, where there are any.
    """

    outcome: CallOutcome
    model: str
    duration_s: float
    usage: TokenUsage = NO_TOKENS
    nano_usd: int = 0
    faults: int = 0
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """The outcome of one try to explain a student."""

    outcome: RequestOutcome


CallObserver = Callable[[Called | Tried], None]


def ignore_call(_event: Called | Tried) -> None:
    """The observer that nobody asked for."""

"""Explanations within a budget: who deserves one, what the model is asked, and what of its answer is believed.

`streams.reasoning.model.openai_model` is imported by who uses it: OpenAI's SDK takes most of a second.
"""

from streams.reasoning.asking import NotWanted
from streams.reasoning.explainer import Explainer
from streams.reasoning.model.outcome import Called, Tried
from streams.reasoning.model.reasoning_model import ReasoningModel
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.policy.breaker import ReasoningPaused
from streams.reasoning.policy.pending import PendingNoted, apply, is_pending, note_pending, values_of
from streams.reasoning.policy.prices import Price, Prices
from streams.reasoning.policy.queue import ReasoningQueue, Ticket
from streams.reasoning.policy.settings import LIMITER, ExplainSettings, PendingPolicy
from streams.reasoning.request.prompt import Prompt
from streams.reasoning.request.pseudonym import Pseudonyms

__all__ = [
    "LIMITER",
    "Called",
    "ExplainSettings",
    "Explainer",
    "NotWanted",
    "PendingNoted",
    "PendingPolicy",
    "Price",
    "Prices",
    "Prompt",
    "Pseudonyms",
    "ReasoningModel",
    "ReasoningPaused",
    "ReasoningQueue",
    "ScriptedModel",
    "Ticket",
    "Tried",
    "apply",
    "is_pending",
    "note_pending",
    "values_of",
]

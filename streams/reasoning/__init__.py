"""Explanations within a budget: who deserves one, what the model is asked, and what of its answer is believed.

`streams.reasoning.openai_model` is imported by who uses it: OpenAI's SDK takes most of a second.
"""

from streams.reasoning.asking import NotWanted
from streams.reasoning.breaker import ReasoningPaused
from streams.reasoning.explainer import Explainer
from streams.reasoning.model import ReasoningModel
from streams.reasoning.outcome import Called, Tried
from streams.reasoning.pending import Marked, apply, is_pending, mark, values_of
from streams.reasoning.prices import Price, Prices
from streams.reasoning.prompt import Prompt
from streams.reasoning.pseudonym import Pseudonyms
from streams.reasoning.queue import ReasoningQueue, Ticket
from streams.reasoning.scripted import ScriptedModel
from streams.reasoning.settings import LIMITER, ExplainSettings, PendingPolicy

__all__ = [
    "LIMITER",
    "Called",
    "ExplainSettings",
    "Explainer",
    "Marked",
    "NotWanted",
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
    "mark",
    "values_of",
]

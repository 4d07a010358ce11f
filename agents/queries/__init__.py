"""Questions about one student, asked of any worker and answered by the one that owns the student's partition.

asked ──► whose partition? ──► ours: row ──► existence, behaviour, language, last scores, side by side ──► answer
                 └───────────► another's: asked over HTTP with the caller's token, its answer handed on
"""

from agents.queries.answers import StudentAnswers
from agents.queries.explanations import ExplanationTopic, LastExplanations
from agents.queries.lookups import RowLookups
from agents.queries.owner import Owners, OwnersAnswers, QueryAnswer

__all__ = [
    "ExplanationTopic",
    "LastExplanations",
    "Owners",
    "OwnersAnswers",
    "QueryAnswer",
    "RowLookups",
    "StudentAnswers",
]

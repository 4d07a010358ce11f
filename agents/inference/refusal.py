"""Why a request is not answered."""

from agents.metrics.declared.pages import InferenceOutcome


class NotInferred(Exception):
    """A status, what it counts as, and a message for people."""

    def __init__(self, status: int, outcome: InferenceOutcome, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.outcome = outcome

"""What a check has found: one line, and what to do."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, Self

from agents.display.plain import plain
from schemas.errors import Retryable, SkillstreamError

FindingStatus = Literal["ok", "warning", "problem"]
FOUND_PROBLEM: Final = 1
UNREACHABLE: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """A `problem` keeps a worker from starting, a `warning` does not; `unreachable`: because a server does not answer.

    What is shown of it, `shown()`, never holds a secret.
    """

    status: FindingStatus
    said: str
    advice: str = ""
    unreachable: bool = False

    def shown(self) -> Self:
        """Fit to be seen: without secrets, one line."""
        return replace(self, said=plain(self.said), advice=plain(self.advice))

    def as_json(self, check: str) -> dict[str, Any]:
        """One object, with the name of its check."""
        return {"check": check} | asdict(self)


def ok(said: str) -> Finding:
    """All is well."""
    return Finding("ok", said)


def warning(said: str, advice: str = "") -> Finding:
    """A worker starts, but somebody should know."""
    return Finding("warning", said, advice)


def problem(said: str, advice: str = "") -> Finding:
    """A worker would not start."""
    return Finding("problem", said, advice)


def refusal_finding(error: SkillstreamError, advice: str = "") -> Finding:
    """The problem of an error that a worker would end with; its message mostly says what to do."""
    return Finding("problem", str(error), advice, unreachable=isinstance(error, Retryable))


def exit_code(findings: Collection[Finding]) -> int:
    """0 where a worker would start, 3 where only unreachable servers prevent that, else 1."""
    problems = [finding for finding in findings if finding.status == "problem"]
    if not problems:
        return 0
    return UNREACHABLE if all(finding.unreachable for finding in problems) else FOUND_PROBLEM

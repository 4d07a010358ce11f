"""What a check is, what it finds (a line, and what to do), and how checks run: side by side, each with its deadline.

One that hangs or breaks says nothing of the others.
"""

import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from queue import Empty, Queue
from typing import Any, Final, Literal, Protocol, Self

from agents.display.plain import plain
from agents.kafka.deadline import Deadline
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


class Check(Protocol):
    """One subject. `run` blocks, may take longer than it is given, and changes nothing anywhere.

    It yields a finding at least; it may raise SkillstreamError where a worker would end with the same error.
    `decides`: a worker that asks in vain does not start, so no answer in time is a problem, not a warning.
    """

    @property
    def name(self) -> str:
        """What it is about, in a word."""
        ...

    @property
    def decides(self) -> bool:
        """See the class."""
        ...

    def run(self) -> Iterator[Finding]:
        """See the class."""
        ...


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check's findings."""

    name: str
    findings: Sequence[Finding]


def run_checks(checks: Sequence[Check], timeout_s: float) -> Iterator[CheckResult]:
    """All checks at once; what they found, in their order, as soon as it is known. Takes `timeout_s` at most.

    A check that is late is left behind: it runs on in a thread that does not keep the process alive.
    """
    deadline = Deadline(timeout_s)
    running = [(check, _start(check)) for check in checks]
    for check, found in running:
        try:
            findings = found.get(timeout=deadline.left_s)
            yield CheckResult(check.name, [finding.shown() for finding in findings])
        except Empty:
            yield CheckResult(check.name, [_late(check, timeout_s)])


def _start(check: Check) -> Queue[list[Finding]]:
    found: Queue[list[Finding]] = Queue()
    threading.Thread(target=lambda: found.put(_findings(check)), name=check.name, daemon=True).start()
    return found


def _findings(check: Check) -> list[Finding]:
    findings: list[Finding] = []
    try:
        findings.extend(check.run())
    except SkillstreamError as error:
        findings.append(refusal_finding(error))
    except Exception as error:
        # Its message is not shown: nobody knows what it quotes. That it broke is a bug, and no good sign.
        findings.append(problem(f"the check itself failed: {type(error).__name__}", "report this, please"))
    return findings


def _late(check: Check, timeout_s: float) -> Finding:
    said = f"not known within {timeout_s:g} s"
    if check.decides:
        return Finding("problem", said, "give it longer with --timeout", unreachable=True)
    return Finding("warning", said, "give it longer with --timeout")

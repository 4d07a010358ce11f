"""Runs checks side by side, each with its deadline, so that one that hangs or breaks says nothing of the others."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, Queue

from agents.kafka.deadline import Deadline
from agents.operations.doctor.check import Check
from agents.operations.doctor.finding import Finding, problem, refusal_finding
from schemas.errors import SkillstreamError


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

"""What a check is."""

from collections.abc import Iterator
from typing import Protocol

from agents.operations.doctor.finding import Finding


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

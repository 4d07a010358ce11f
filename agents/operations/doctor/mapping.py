"""The mapping of a platform's own verbs."""

from collections.abc import Iterator
from dataclasses import dataclass

from agents.config.dialects import load_dialects
from agents.config.settings import Settings
from agents.operations.doctor.finding import Finding, ok


@dataclass(frozen=True, slots=True)
class VerbMapping:
    """Implements Check."""

    settings: Settings
    name: str = "mapping"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises what a worker's start would."""
        load_dialects(self.settings.mapping)
        yield ok(self.settings.mapping or "none: only the verbs of the standards are mapped")

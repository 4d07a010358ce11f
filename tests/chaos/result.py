"""What became of an experiment, for people and for machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import click

from tests.chaos.experiment import Experiment
from tests.chaos.verdict import Verdict

_KINDS: Final = {"lost": "lost", "double_applied": "double_applied", "stale_row": "stale_rows", "norms": "norms"}
"""What can be planted, and where a verdict counts it."""


@dataclass(frozen=True, slots=True)
class Result:
    """`repeated` is how many records were read again, as far as the workers could be asked; `expelled`, how often
    one stopped because the machine was too slow for its heartbeats.
    """

    experiment: Experiment
    seconds: float
    verdict: Verdict | None = None
    repeated: int = 0
    recoveries_s: tuple[float, ...] = ()
    failure: str = ""
    skipped: str = ""
    expelled: int = 0

    @property
    def ok(self) -> bool:
        """Whether what must hold held, or the planted fault was found."""
        return not self.failure and not self.skipped

    def report(self) -> None:
        """A line, and why it failed."""
        click.echo("\n    ".join([self._line(), *self.failure.splitlines()]))

    def _line(self) -> str:
        said = "skipped" if self.skipped else "ok" if self.ok else "FAILED"
        name = f"{self.experiment.name:<28}{said:<9}"
        if self.skipped:
            return name + self.skipped
        lost = "-" if self.verdict is None else str(self.verdict.lost)
        took = f"{median(self.recoveries_s):.1f} s" if self.recoveries_s else "-"
        if len(self.recoveries_s) > 1:
            took += f" (at worst {max(self.recoveries_s):.1f} s)"
        late = f", {self.expelled} x too slow for its session" if self.expelled else ""
        return f"{name}lost {lost}, repeated {self.repeated}, recovery {took}, all in {self.seconds:.0f} s{late}"


def wrong(experiment: Experiment, verdict: Verdict) -> str:
    """What is wrong with the verdict; empty where it is as it must be."""
    if experiment.planted is None:
        ok = not verdict.differs and not verdict.complete if experiment.partly_judged else verdict.ok
        return "" if ok else f"verify: {verdict}"
    found = {kind: getattr(verdict, name) for kind, name in _KINDS.items()}
    due = {kind: int(kind == experiment.planted) for kind in _KINDS}
    return "" if not verdict.ok and found == due else f"planted one {experiment.planted}, verify found: {verdict}"


def summary(results: Sequence[Result], seed: int) -> dict[str, Any]:
    """The last line: one object. Its sums are over all but the planted."""
    honest = [r.verdict for r in results if r.verdict is not None and r.experiment.planted is None]
    planted = [r for r in results if r.experiment.planted is not None]
    return {
        "experiments": len(results),
        "failed": [r.experiment.name for r in results if r.failure],
        "skipped": [r.experiment.name for r in results if r.skipped],
        "lost": sum(v.lost for v in honest),
        "double_applied": sum(v.double_applied for v in honest),
        "unaccounted": sum(v.unaccounted for v in honest),
        "planted": len(planted),
        "planted_found": sum(r.ok for r in planted),
        "seed": seed,
    }

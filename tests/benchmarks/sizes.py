"""How much is measured: from the environment, so that `make bench ROUNDS=1 EVENTS=20000` is a quick try.

ROUNDS     interleaved runs of each; medians count                        5
EVENTS     events of the data set `plain`; of the others at most 400,000  1,000,000
ROWS       rows to recover, and students of the curves                    1,000,000
BEFORE     the commit that `former` compares ours with                    none
RATES      events/s of the latency curves, as 1000,10000                   10 to 40,000
CONTESTANTS  who is measured for latency, as skillstream,echo              all
DOCS       1: write to docs/ with fewer rounds, too, which each figure says  no
"""

import os
from dataclasses import dataclass
from typing import Self

_DEFAULTS = {"ROUNDS": 5, "EVENTS": 1_000_000, "ROWS": 1_000_000}
_RATES = "10,100,1000,3000,10000,20000,40000"
_OTHERS_EVENTS = 400_000
_FULL_MINUTES = 165.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """See the module; no `contestants` are all. Raises ValueError for what is not a positive number."""

    rounds: int
    events: int
    rows: int
    before: str = ""
    rates: tuple[int, ...] = ()
    contestants: tuple[str, ...] = ()
    into_docs: bool = False

    @classmethod
    def of_environment(cls) -> Self:
        given = {name: _positive(name, os.environ.get(name) or str(default)) for name, default in _DEFAULTS.items()}
        rates = sorted(_positive("RATES", rate) for rate in _listed(os.environ.get("RATES") or _RATES))
        contestants = tuple(_listed(os.environ.get("CONTESTANTS", "")))
        before = os.environ.get("BEFORE", "")
        into_docs = os.environ.get("DOCS") == "1"
        return cls(given["ROUNDS"], given["EVENTS"], given["ROWS"], before, tuple(rates), contestants, into_docs)

    @property
    def other_events(self) -> int:
        """Events of the data sets `many` and `text`."""
        return min(self.events, _OTHERS_EVENTS)

    @property
    def reduced(self) -> bool:
        """Whether anything is smaller than the targets ask for: such figures are a try, not a result."""
        few = self.rounds < _DEFAULTS["ROUNDS"] and not self.into_docs
        return few or self.events < _DEFAULTS["EVENTS"] or self.rows < _DEFAULTS["ROWS"]

    @property
    def expected_minutes(self) -> float:
        """About how long all of it takes on two cores; half of a round's time does not depend on the events."""
        share = 0.5 * self.events / _DEFAULTS["EVENTS"] + 0.5
        return 1 + _FULL_MINUTES * self.rounds / _DEFAULTS["ROUNDS"] * share


def _listed(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _positive(name: str, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not a whole number") from None
    if value < 1:
        raise ValueError(f"{name}: {value} is less than 1")
    return value

"""The same on the embedded broker, as `skillstream demo` and the tests use it: a mock cluster in memory.

It keeps about 5 MB a partition, so there are 60,000 events at most, and a fresh broker for every run.
"""

import sys
from typing import Final

from tests.benchmarks.broker import Embedded
from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.datasets import PLAIN, fill
from tests.benchmarks.measure import Figure, Rounds
from tests.benchmarks.race import Result, race
from tests.benchmarks.sizes import Sizes

NAME: Final = "embedded"
_MAX_EVENTS: Final = 60_000
_FIELD: Final = ("skillstream_counter", "skillstream")


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Events a second. Compared with nothing: so few events are half fetched before the first is handed on."""
    events = min(sizes.events, _MAX_EVENTS)
    results: dict[str, list[Result]] = {name: [] for name in _FIELD}
    for number in range(1, sizes.rounds + 1):
        for name, runs in results.items():
            with Embedded() as broker:
                fill(broker.bootstrap, PLAIN, events)
                runs.append(race(CONTESTANTS[name], broker, events))
            sys.stderr.write(f"  round {number} of {sizes.rounds}  {NAME} {name:22} {runs[-1].events_a_s:11,.0f}\n")
    return [
        rounds.figure(
            f"{NAME}.{name}", "events/s", [run.events_a_s for run in runs], cpu_us=[run.cpu_us for run in runs]
        )
        for name, runs in results.items()
    ]

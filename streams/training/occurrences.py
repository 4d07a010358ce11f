"""Which facts occur in the events of each platform of a history: what `train` writes into the card as `platforms`."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from schemas.event import Attempt, NativeEvent
from streams.folding.facts import facts_of, has_passed, kinds_of
from streams.folding.readings import after_failure
from streams.vocabulary import FACTS

_AT_ONCE: Final = 5_000


class Occurrences:
    """Reads events in any order, once. Of tries that a platform does not number, those after a failure are known only
    in the order of their times; out of order some are missed, and none is made up.
    """

    def __init__(self) -> None:
        self._waiting: list[NativeEvent] = []
        self._facts: defaultdict[str, set[int]] = defaultdict(set)
        self._failures: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)

    def note(self, events: Sequence[NativeEvent]) -> None:
        """Read some events."""
        self._waiting += events
        if len(self._waiting) >= _AT_ONCE:
            self._read()

    def facts(self) -> dict[str, tuple[str, ...]]:
        """The facts that occurred, sorted, by the source that events name, sorted; "" is of those that name none."""
        self._read()
        of_source = {source: sorted(FACTS[fact] for fact in found) for source, found in sorted(self._facts.items())}
        return {source: tuple(facts) for source, facts in of_source.items() if facts}

    def _read(self) -> None:
        by_source: defaultdict[str, list[NativeEvent]] = defaultdict(list)
        for event in self._waiting:
            by_source[event.source or ""].append(event)
        for source, events in by_source.items():
            self._facts[source].update(facts_of(events, kinds_of(events)).fact.tolist())
            for event in events:
                if type(event) is Attempt:
                    self._after_failure(source, event)
        self._waiting = []

    def _after_failure(self, source: str, event: Attempt) -> None:
        failures = self._failures[source, event.student_id]
        if failures or not has_passed(event):
            found = after_failure(failures, event, int(event.time.timestamp() * 1e6))
            self._facts[source].update(int(fact) for fact, _ in found)

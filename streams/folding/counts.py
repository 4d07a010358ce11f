"""Where every event went. `events_in = applied + ignored + duplicates + dead_lettered`; `late` is part of `applied`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from schemas.dialects.vocabulary import UNKNOWN_SKILL
from streams.folding.history import FoldOutcome

MAX_NAME_CHARS: Final = 256
"""Of a name that a producer made up."""


@dataclass(slots=True)
class Counts:
    """Sums over some records. `rerouted` events are counted in `events_in` at their owning partition, when they arrive
    there;

    `replayed` are those that a restart read again and that their row already held. `unknown` are those of the ignored
    that no table knows, by (dialect, verb or type), those that would void what a row doesn't hold any more, and ratings
    of skills that are not configured.
    `retold` are those of the duplicates whose act another event reported before: by another verb, or a mark
    that was given again.
    `tolerated` are rules that parts of records break where nobody reads them, by (dialect, rule).
    `beyond_horizon` are those of the applied that are no newer than an id which is not known any more: if one repeats
    it, nobody can tell. `components_given_up` are those that a row had no room for. `forged_headers` are records with
    headers of ours that no key of ours signed.
    `unread_texts` are those of the applied whose text says nothing of any skill, by why (`streams.skills.text_reader`).
    """

    records_in: int = 0
    events_in: int = 0
    applied: int = 0
    late: int = 0
    ignored: int = 0
    duplicates: int = 0
    retold: int = 0
    dead_lettered: int = 0
    rerouted: int = 0
    replayed: int = 0
    clamped: int = 0
    beyond_horizon: int = 0
    components_given_up: int = 0
    forged_headers: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)
    tolerated: Counter[tuple[str, str]] = field(default_factory=Counter)
    unread_texts: Counter[str] = field(default_factory=Counter)

    def count(self, outcomes: Sequence[FoldOutcome]) -> None:
        """Add events."""
        late = outcomes.count(FoldOutcome.LATE)
        self.events_in += len(outcomes)
        self.late += late
        self.applied += late + outcomes.count(FoldOutcome.APPLIED)
        self.ignored += outcomes.count(FoldOutcome.IGNORED)
        retold = outcomes.count(FoldOutcome.RETOLD)
        self.retold += retold
        self.duplicates += retold + outcomes.count(FoldOutcome.DUPLICATE)

    def ignore(self, dialect: str, name: str) -> None:
        """Add one event of a verb or type that no table knows."""
        self.events_in += 1
        self.ignored += 1
        self.unknown[dialect, name[:MAX_NAME_CHARS]] += 1

    def rate_unknown(self, skill: str) -> None:
        """Note that one of the ignored events rates a skill that is not configured."""
        self.unknown["native", f"{UNKNOWN_SKILL} ({skill[:MAX_NAME_CHARS]})"] += 1

    def dead_letter(self, reason: str) -> None:
        """Add one part of a record that could not be read."""
        self.events_in += 1
        self.dead_lettered += 1
        self.reasons[reason] += 1

    def __iadd__(self, other: Self) -> Self:
        for name in self.__slots__:
            if more := getattr(other, name):  # most are 0, and a Counter takes long to add
                setattr(self, name, getattr(self, name) + more)
        return self

    def __add__(self, other: Self) -> Self:
        return replace(self).__iadd__(other)

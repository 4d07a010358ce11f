"""Which attempts speak of knowledge components, and how: the rules, in one place.

    first try? ──no──► not counted: after feedback, the next try says less of what a student knows
        │
    known to have taken less than RAPID_GUESS_S? ──yes──► not counted: a rapid guess
        │
    passed, and without a hint? ──yes──► a win of each of its components
        └──────────no──────────────────► a fail of each: help is not right unaided

That rapid guesses say nothing of ability is from Wise and Kong 2005; the bound of two seconds, one for all items, and
that help counts as a fail are unvalidated: none of the data here has times or hints with components.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, cast

import numpy as np

from schemas.event import Attempt, NativeEvent
from streams.folding.facts import has_passed
from streams.folding.sums import NO_ENTRIES, Entries
from streams.rows.components import component_code
from streams.rows.layout import Array, Indices

RAPID_GUESS_S: Final = 2.0
WIN: Final = 1.0
FAIL: Final = 0.0


def value_of_answer(attempt: Attempt) -> float | None:
    """WIN or FAIL of each of the attempt's components; None where it says nothing of them."""
    if attempt.attempt != 1 or (attempt.duration_s is not None and attempt.duration_s < RAPID_GUESS_S):
        return None
    return WIN if attempt.hints == 0 and has_passed(attempt) else FAIL


@dataclass(frozen=True, slots=True)
class Answers:
    """Wins and fails to add. The columns of `entries` are the batch's `names`, whose codes in rows are `codes`.

    Two names may have one code: they are one component, which of an event's answers counts once.
    """

    names: Sequence[bytes]
    codes: Array
    entries: Entries

    def of(self, chosen: Array | None) -> "Answers":
        """As `Entries.of`."""
        return replace(self, entries=self.entries.of(chosen))


NO_ANSWERS: Final = Answers((), np.zeros(0, np.uint32), NO_ENTRIES)


def answers_of(events: Sequence[NativeEvent], attempts: Sequence[int], row_index: Indices) -> Answers:
    """The answers among the events at the indices `attempts`, ascending; `row_index` is by event."""
    names: dict[str, int] = {}
    columns: dict[tuple[str, ...], tuple[int, ...]] = {}  # items come again, and their components with them
    answered: list[int] = []
    values: list[float] = []
    items: list[tuple[int, ...]] = []
    for index, attempt in zip(attempts, cast(list[Attempt], [events[index] for index in attempts]), strict=True):
        kcs = attempt.kcs
        if kcs is None or (value := value_of_answer(attempt)) is None:
            continue
        mine = columns.get(kcs)
        if mine is None:
            mine = columns[kcs] = _columns(kcs, names)
        answered.append(index)
        values.append(value)
        items.append(mine)
    if not answered:
        return NO_ANSWERS
    count = list(map(len, items))
    event = np.repeat(np.array(answered, np.intp), count)
    column = np.fromiter(chain.from_iterable(items), np.intp, len(event))
    as_bytes = [name.encode() for name in names]
    codes = np.array([component_code(name) for name in as_bytes], np.uint32)
    entries = Entries(row_index[event] * len(names) + column, np.repeat(np.array(values), count), event)
    return Answers(as_bytes, codes, entries)


def _columns(kcs: Sequence[str], names: dict[str, int]) -> tuple[int, ...]:
    """The columns of an item's components, each once; `names` that are new get one."""
    by_code: dict[int, int] = {}
    for name in kcs:
        by_code.setdefault(component_code(name.encode()), names.setdefault(name, len(names)))
    return tuple(by_code.values())

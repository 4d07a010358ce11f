"""Adding what a batch's events say to the sums of its students, all at once.

Additions happen in the order they were noted (`np.add.at` is sequential), so sums are the same to the last bit however
the events are cut into batches.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from streams.rows.layout import CELL, Array
from streams.rows.row import decayed
from streams.rows.row_batch import Block, Floats

DECAYED_OF_A_CELL: Final = ("text_n", "text_total", "rubric_n", "rubric_total")


@dataclass(slots=True)
class Noted:
    """Values to add: `where` is line · columns + column, `event` the place of the event that says so, ascending."""

    where: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    event: list[int] = field(default_factory=list)

    def note(self, where: int, value: float, event: int) -> None:
        """Note one."""
        self.where.append(where)
        self.value.append(value)
        self.event.append(event)

    def arrays(self) -> "Entries":
        """All that was noted."""
        return Entries(np.array(self.where, np.intp), np.array(self.value, np.float64), np.array(self.event, np.intp))


@dataclass(frozen=True, slots=True)
class Entries:
    """What was noted, as arrays of one length."""

    where: Array
    value: Array
    event: Array

    def of(self, chosen: Array | None) -> "Entries":
        """Those of the events that are `chosen` (a truth value each; None: all), called 0, 1, 2 from now on."""
        if chosen is None:
            return self
        kept = chosen[self.event]
        return Entries(self.where[kept], self.value[kept], (np.cumsum(chosen) - 1)[self.event[kept]])


NO_ENTRIES: Final = Noted().arrays()


def add_facts(block: Block, entries: Entries, weight: Floats, time_s: Array) -> None:
    """Add facts to their totals; `weight` and `time_s` are by event."""
    flat = {name: column.reshape(-1) for name, column in block.facts.items()}
    where, value, weight = entries.where, entries.value, weight[entries.event]
    np.add.at(flat["n"], where, 1)
    np.add.at(flat["total"], where, value)
    np.add.at(flat["squares"], where, value * value)
    np.add.at(flat["recent_n"], where, weight)
    np.add.at(flat["recent_total"], where, weight * value)
    np.maximum.at(flat["newest_s"], where, time_s[entries.event])


def add_to_cells(block: Block, what: str, entries: Entries, weight: Floats, time_s: Array) -> None:
    """Add to the skills' sums of `what`, text or rubric; as `add_facts`."""
    flat = {name: block.cells[f"{what}_{name}"].reshape(-1) for name in ("n", "total", "newest_s")}
    where, weight = entries.where, weight[entries.event]
    np.add.at(flat["n"], where, weight)
    np.add.at(flat["total"], where, weight * entries.value)
    np.maximum.at(flat["newest_s"], where, time_s[entries.event])


def rebase(block: Block, line: int, reference_us: int) -> None:
    """Carry every decayed sum of a line to a new reference time, before its weights overflow."""
    factor = decayed(int(block.head["reference_us"][line]), reference_us)
    block.head["reference_us"][line] = reference_us
    for name in ("recent_n", "recent_total"):
        block.facts[name][line] *= factor
    for name in DECAYED_OF_A_CELL:
        block.cells[name][line] *= factor
    rebase_foreign(block, line, factor)


def rebase_foreign(block: Block, line: int, factor: float) -> None:
    """Carry the sums of skills that are not configured."""
    if line not in block.foreign:
        return
    foreign, tellings = block.foreign[line]
    cells = np.frombuffer(foreign, CELL).copy()
    for name in DECAYED_OF_A_CELL:
        cells[name] *= factor
    block.foreign[line] = cells.tobytes(), tellings

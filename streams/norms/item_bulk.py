"""First answers to many items, added to their records at once."""

from typing import Final, NamedTuple, Self

import numpy as np

from streams.norms.layout import RIGHT, WORK, unpack_answers
from streams.norms.recent_students import note_students
from streams.rows.layout import Array, Indices

_POSITION_BITS: Final = 32
_POSITION: Final = 2**_POSITION_BITS - 1


class ItemBulk(NamedTuple):
    """Answers sorted by item, each with its time: those of `items[i]` begin at `starts[i]`."""

    answers: Array
    times: Array
    items: Array
    starts: Indices

    @classmethod
    def of(cls, answers: Array, times: Array) -> Self:
        """Of at least one answer (FIRST_ANSWER); `times` are in seconds."""
        codes = np.ascontiguousarray(answers["item"])
        order = np.argsort(codes)
        begins = np.concatenate(([True], np.diff(codes[order]) != 0))
        order = np.sort((np.cumsum(begins) - 1) << _POSITION_BITS | order) & _POSITION  # stable, in half of the time
        starts = np.flatnonzero(begins)
        return cls(answers[order], times[order], codes[order[starts]], starts)

    def add_to(self, records: Array) -> None:
        """Add the answers to `records` (ITEM_SUMS), those of `items`. A void takes one student off."""
        values, sign = unpack_answers(self.answers["answer"]), self.answers["sign"].astype(np.int64)
        for name, of_each in (
            ("answers", sign * (values.kind != WORK)),
            ("wins", sign * (values.kind == RIGHT)),
            ("scored", sign * values.has_score),
            ("timed", sign * values.has_time),
            ("due", sign * values.has_days),
            ("score", sign * values.score),
            ("squares", sign * values.score**2),
            ("time", sign * values.time),
            ("days", sign * values.days),
            ("students", np.minimum(sign, 0)),
        ):
            records[name] += np.add.reduceat(of_each, self.starts)
        records["newest_s"] = np.maximum(records["newest_s"], np.maximum.reduceat(self.times, self.starts))
        owner = np.repeat(np.arange(len(self.items)), np.diff(self.starts, append=len(self.answers)))
        added = sign > 0
        note_students(records, owner[added], self.answers["student"][added])

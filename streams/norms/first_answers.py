"""The first answers of a batch, by student, in the order of its rows: what item sums are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from streams.norms.layout import FIRST_ANSWER
from streams.rows.layout import Array


class NamedItem(NamedTuple):
    """An item of a batch: its code, the CRC-32 of the course that it was answered in (0: none was named) and of the
    first component that it asks for (0: none), and its name.
    """

    item: int
    course: int
    component: int
    name: str


@dataclass(frozen=True, slots=True)
class AnswersOfRows:
    """`answers` (FIRST_ANSWER) are ordered as the batch's rows; `of` has the slice of each student's key that has any.
    `items` are the distinct items and courses.
    """

    answers: Array
    of: Mapping[bytes, tuple[int, int]]
    items: Sequence[NamedItem]

    def __bool__(self) -> bool:
        return len(self.answers) > 0


NO_FIRST_ANSWERS: Final = AnswersOfRows(np.empty(0, FIRST_ANSWER), MappingProxyType({}), ())

"""The skills of a batch's columns, as rows have them: by code, in the order of the codes."""

from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np

from streams.rows.layout import Array, Indices
from streams.rows.row import MAX_EVIDENCE
from streams.vocabulary import skill_code


class SkillCodes(NamedTuple):
    """The codes of a batch's skills by column; their columns in the order of the codes, in which rows have them, and
    the indices of these columns' evidence items; and the codes in that order. Behind the last there is a 0.
    """

    codes: Array
    columns: Indices
    item_indices: Indices
    ordered: Array

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, names: tuple[str, ...]) -> Self:
        """Those of the skills of these names."""
        codes = np.array([skill_code(name) for name in names], np.uint32)
        columns = np.argsort(codes)
        indices = (columns[:, None] * MAX_EVIDENCE + np.arange(MAX_EVIDENCE)).reshape(-1)
        return cls(codes, np.append(columns, 0), indices, np.append(codes[columns], np.uint32(0)))

    def find(self, codes: Array) -> tuple[Indices, Array]:
        """The columns of skills with these codes, and whether they are among those of the batch at all."""
        at = self.ordered[:-1].searchsorted(codes)
        return self.columns[at], self.ordered[at] == codes

"""The scores that an update shows of skills, as numbers: fused ones, and those by ratings alone."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from streams.rows.row_batch import Floats, RowBatch
from streams.scoring.fusion import Fused
from streams.scoring.kinds import RATED, SCORED, shown_as
from streams.scoring.rubric_scores import rated_scores


class ShownScores(NamedTuple):
    """Each of shape (rows, skills); NaN where an update shows no score, or no interval."""

    score: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, rows: RowBatch, fused: Fused, has_interval: NDArray[np.bool_]) -> Self:
        """As `streams.scoring.updates` shows them; `has_interval` is by skill."""
        how = shown_as(rows, fused.fitted, np.zeros(fused.score.shape, np.bool_))
        scored = how == SCORED
        score = np.where(scored, fused.score, np.nan)
        if (rated := how == RATED).any():
            score[rated] = rated_scores(rows)[rated]
        ends = scored & has_interval
        return cls(score, np.where(ends, fused.low, np.nan), np.where(ends, fused.high, np.nan))

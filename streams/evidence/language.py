"""Language: what a student's messages and reflections say, by phrases or by a text model.

Texts are read once, when they are folded (`streams.folding.fold`); the row keeps each skill's sum of log-odds. Here the
mean text is, where it was read by phrases, shrunk towards 0.5: logit p = total/(n + SHRINKAGE). A text model's log-odds
are calibrated by themselves: logit p = total/n.
"""

from collections.abc import Sequence
from typing import Final, Self

import numpy as np

from streams.evidence.source import Estimate, SourceType, status_where
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import SkillSet

SHRINKAGE: Final = 1.0


class LanguageSource:
    """The `language` source."""

    name = "language"

    def __init__(self, shrinkage: Sequence[float] | float = SHRINKAGE) -> None:
        """`shrinkage` is by skill, or the same for all."""
        self._shrinkage = np.asarray(shrinkage, np.float64)

    @classmethod
    def of(cls, skill_set: SkillSet) -> Self:
        """The source of these skills."""
        return cls([0.0 if skill.text_table else SHRINKAGE for skill in skill_set.skills.values()])

    def compute(self, row_batch: RowBatch, /) -> Estimate:
        """See ComputedSource; pure."""
        states, shape = row_batch.skill_states, (len(row_batch), len(row_batch.names))
        if not states["text_n"].any():
            return Estimate.empty(*shape)
        decay = row_batch.decay[:, None]
        n = states["text_n"] * decay
        said = n > 0
        age_s = row_batch.headers["as_of_us"][:, None] / 1e6 - states["text_newest_s"]
        mean = np.divide(-states["text_total"] * decay, n + self._shrinkage, out=np.zeros(shape), where=said)
        return Estimate(
            p=np.where(said, 1 / (1 + np.exp(mean)), np.nan),
            n=np.where(said, n, 0.0),
            age_s=np.where(said, np.maximum(age_s, 0), 0.0),
            status=status_where(said),
            shared=np.zeros(shape),
            out_of_range=np.zeros(shape, np.bool_),
        )


LANGUAGE: Final = SourceType(name=LanguageSource.name, make=lambda skill_set, _artifact: LanguageSource.of(skill_set))

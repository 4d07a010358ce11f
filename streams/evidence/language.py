"""Language: what a student's messages and reflections say, by phrases or by a text model.

Texts are read once, when they are folded (`streams.folding.fold`); the row keeps each skill's sum of log-odds. Here the
mean text is, where it was read by phrases, shrunk towards 0.5: logit p = total/(n + SHRINKAGE). A text model's log-odds
are calibrated by themselves: logit p = total/n.
"""

from collections.abc import Sequence
from typing import Final, Self

import numpy as np

from streams.evidence.source import INLINE_ROWS, Estimate, EstimateStatus, OwnThread, SourceType
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import SkillSet

SHRINKAGE: Final = 1.0


class LanguageSource:
    """The `language` source."""

    name = "language"

    def __init__(self, shrinkage: Sequence[float] | float = SHRINKAGE) -> None:
        """`shrinkage` is by skill, or the same for all."""
        self._shrinkage = np.asarray(shrinkage, np.float64)
        self._thread = OwnThread(self.name, INLINE_ROWS)

    @classmethod
    def of(cls, skill_set: SkillSet) -> Self:
        """The source of these skills."""
        return cls([0.0 if skill.text_table else SHRINKAGE for skill in skill_set.skills.values()])

    async def estimate(self, row_batch: RowBatch) -> Estimate:
        """See Source."""
        return await self._thread.run(self.compute, row_batch)

    def compute(self, row_batch: RowBatch) -> Estimate:
        """The estimate itself; pure."""
        estimate = Estimate.empty(len(row_batch), len(row_batch.names))
        decay = row_batch.decay[:, None]
        n, total = row_batch.skill_states["text_n"] * decay, row_batch.skill_states["text_total"] * decay
        said = n > 0
        age_s = row_batch.headers["as_of_us"][:, None] / 1e6 - row_batch.skill_states["text_newest_s"]
        shrunk_n = n + self._shrinkage
        estimate.p[said] = 1 / (1 + np.exp(-total[said] / shrunk_n[said]))
        estimate.n[said] = n[said]
        estimate.age_s[said] = np.maximum(age_s[said], 0)
        estimate.status[said] = EstimateStatus.OK
        return estimate


LANGUAGE: Final = SourceType(name=LanguageSource.name, make=lambda skill_set, _artifact: LanguageSource.of(skill_set))

"""Language: what a student's messages and reflections say, by phrases.

Texts are read once, when they are folded (`streams.folding.fold`); the row keeps each skill's sum of log-odds. Here the
mean text is shrunk towards 0.5: logit p = total/(n + SHRINKAGE).
"""

from typing import Final

import numpy as np

from streams.evidence.source import Estimate, EstimateStatus, OwnThread, SourceType
from streams.rows.row_batch import RowBatch

SHRINKAGE: Final = 1.0


class LanguageSource:
    """The `language` source."""

    name = "language"

    def __init__(self) -> None:
        self._thread = OwnThread(self.name)

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
        estimate.p[said] = 1 / (1 + np.exp(-total[said] / (n[said] + SHRINKAGE)))
        estimate.n[said] = n[said]
        estimate.age_s[said] = np.maximum(age_s[said], 0)
        estimate.status[said] = EstimateStatus.OK
        return estimate


LANGUAGE: Final = SourceType(name=LanguageSource.name, make=lambda _skill_set, _artifact: LanguageSource())

"""Language: what a student's messages and reflections say, by phrases.

Texts are read once, when they are folded (`streams.folding.fold`); the row keeps each skill's sum of log-odds. Here the
mean text is shrunk towards 0.5: logit p = total/(n + SHRINKAGE).
"""

from typing import Final

import numpy as np

from streams.evidence.source import Opinion, OwnThread, SourceType, Status
from streams.rows.row_batch import Block

SHRINKAGE: Final = 1.0


class LanguageSource:
    """The `language` source."""

    name = "language"

    def __init__(self) -> None:
        self._thread = OwnThread(self.name)

    async def judge(self, block: Block) -> Opinion:
        """See Source."""
        return await self._thread.run(self.compute, block)

    def compute(self, block: Block) -> Opinion:
        """The opinion itself; pure."""
        opinion = Opinion.empty(len(block), len(block.names))
        decay = block.decay[:, None]
        n, total = block.cells["text_n"] * decay, block.cells["text_total"] * decay
        said = n > 0
        age_s = block.head["as_of_us"][:, None] / 1e6 - block.cells["text_newest_s"]
        opinion.p[said] = 1 / (1 + np.exp(-total[said] / (n[said] + SHRINKAGE)))
        opinion.n[said] = n[said]
        opinion.age_s[said] = np.maximum(age_s[said], 0)
        opinion.status[said] = Status.OK
        return opinion


LANGUAGE: Final = SourceType(name=LanguageSource.name, make=lambda _skill_set, _artifact: LanguageSource())

"""Language: what a student's messages and reflections say, by phrases.

Texts are read once, when they are folded (`streams.folding`); the row keeps each skill's sum of log-odds. Here the
mean text is shrunk towards 0.5: logit p = total/(n + SHRINKAGE).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from streams.evidence.source import Opinion, OwnThread, Status
from streams.folding import decayed
from streams.row import Row
from streams.skills import SkillSet

SHRINKAGE: Final = 1.0


class LanguageSource:
    """The `language` source of a skill set."""

    name = "language"

    def __init__(self, skill_set: SkillSet) -> None:
        self._names = skill_set.names
        self._thread = OwnThread(self.name)

    async def judge(self, rows: Sequence[Row]) -> Opinion:
        """See Source."""
        return await self._thread.run(self.compute, rows)

    def compute(self, rows: Sequence[Row]) -> Opinion:
        """The opinion itself; pure."""
        opinion = Opinion.empty(len(rows), len(self._names))
        for line, row in enumerate(rows):
            decay = decayed(row.reference_us, row.as_of_us)
            for column, name in enumerate(self._names):
                cell = row.skills.get(name)
                if cell is None or cell.text_n <= 0:
                    continue
                n = cell.text_n * decay
                opinion.p[line, column] = 1 / (1 + np.exp(-cell.text_total * decay / (n + SHRINKAGE)))
                opinion.n[line, column] = n
                opinion.age_s[line, column] = max(row.as_of_us / 1e6 - cell.text_newest_s, 0)
                opinion.status[line, column] = Status.OK
        return opinion

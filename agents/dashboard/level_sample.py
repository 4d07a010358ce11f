"""How students are spread over the levels, from a sample of their rows, scored as their next update would be.

Counting at update time would need every student's former level at hand, and know nothing after a restart. A sample is
taken when somebody looks, once a minute at most, in pieces: the event loop has other things to do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from itertools import islice
from random import Random
from time import monotonic
from typing import Final

import msgspec
from msgspec import Struct

from agents.dashboard.figures import SkillFigure, SkillsFigure
from schemas.errors import Fatal
from streams.pipeline import Pipeline
from streams.rows.row_batch import RowBatch
from streams.rows.table import Rows

SAMPLED_STUDENTS: Final = 500
SAMPLED_EVERY_S: Final = 60.0
_PIECE: Final = 50
_MOST_SKIPPED: Final = 20_000
"""Rows are passed over one by one: of a partition with more, the sample is of the first so many."""


class _Skill(Struct, frozen=True):
    level: str = "profile"


class _Levels(Struct, frozen=True):
    skills: dict[str, _Skill]


_LEVELS: Final = msgspec.json.Decoder(_Levels)


class LevelSample:
    """Of the rows of `owned` partitions. `now` raises nothing: rows that cannot be read are the table's to report."""

    def __init__(
        self,
        rows: Rows,
        pipeline: Pipeline,
        owned: Callable[[], Collection[int]],
        random: Random | None = None,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self._rows, self._pipeline, self._owned = rows, pipeline, owned
        self._random = random or Random()
        self._clock_s = clock_s
        self._turn = asyncio.Lock()
        self._known: tuple[float, SkillsFigure] | None = None

    async def now(self) -> SkillsFigure:
        """The levels, at most SAMPLED_EVERY_S old."""
        async with self._turn:
            if self._known is None or self._clock_s() - self._known[0] >= SAMPLED_EVERY_S:
                try:
                    self._known = self._clock_s(), await self._look()
                except Fatal:
                    self._known = self._clock_s(), SkillsFigure()
            return self._known[1]

    async def _look(self) -> SkillsFigure:
        sizes = {partition: self._rows.count(partition) for partition in sorted(self._owned())}
        students = sum(sizes.values())
        counts: dict[str, Counter[str]] = {name: Counter() for name in self._pipeline.skill_set.names}
        sampled = 0
        for partition, size in sizes.items():
            wanted = -(-SAMPLED_STUDENTS * size // max(students, SAMPLED_STUDENTS))
            for begin in range(0, wanted, _PIECE):
                sampled += await self._count(partition, size, min(_PIECE, wanted - begin), begin, counts)
                await asyncio.sleep(0)
        skills = [SkillFigure(skill=name, levels=dict(levels)) for name, levels in counts.items() if levels]
        return SkillsFigure(students=students, sampled=sampled, skills=skills)

    async def _count(self, partition: int, size: int, wanted: int, taken: int, counts: dict[str, Counter[str]]) -> int:
        """Look at some rows from anywhere in the partition; all of them, where so few are there."""
        whole = size <= SAMPLED_STUDENTS
        start = taken if whole else self._random.randrange(min(size - wanted, _MOST_SKIPPED) + 1)
        found = list(islice(self._rows.items(partition), start, start + wanted))
        if not found:
            return 0
        scorer = self._pipeline.scorer
        scored = await scorer.score(RowBatch.of([row for _, row in found], self._pipeline.skill_set.names))
        for update in scorer.write([key for key, _ in found], scored):
            for name, skill in _LEVELS.decode(update).skills.items():
                counts[name][skill.level] += 1
        return len(found)

"""What is looked up about a student, each by itself: whether there is one, what was counted, what was read, the scores.

All of it is in the row, so the look-ups of a worker compute, and those of several students do it together; they are
asynchronous since a source of scores may wait, and another implementation may.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np

from agents.queries.together import Together
from schemas.student_answer import DescribedIndicator, LanguageRead
from schemas.update import SkillUpdate, read_update
from streams.evidence.indicators import Rates
from streams.evidence.observed import ObservableIndicators, Observed
from streams.pipeline import Pipeline
from streams.rows.codec import row_headers
from streams.rows.row_batch import RowBatch
from streams.scoring.profiles import RATE_DIGITS
from streams.scoring.updates import rfc3339

Existence = Literal["known", "unknown", "erased"]
BehaviourBySkill = Mapping[str, list[DescribedIndicator]]
LanguageBySkill = Mapping[str, LanguageRead]
_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class StoredStudent:
    """A student by key, and the row at one moment: all look-ups of one answer see the same."""

    key: bytes
    row: bytes | None


class StudentLookups(Protocol):
    """Each may take its time; none depends on another. May raise SkillstreamError."""

    async def existence(self, student: StoredStudent) -> Existence:
        """Whether there is such a student."""
        ...

    async def behaviour(self, student: StoredStudent) -> BehaviourBySkill:
        """What was counted, by skill; empty of a student who is not known."""
        ...

    async def language(self, student: StoredStudent) -> LanguageBySkill:
        """How much was read, by skill; empty of a student who is not known."""
        ...

    async def last_scores(self, student: StoredStudent) -> SkillUpdate | None:
        """What the newest update says; None of a student who is not known."""
        ...


class RowLookups:
    """Implements StudentLookups, by rows and the configuration in force."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._observable = ObservableIndicators.of(pipeline.skill_set, pipeline.artifact)
        self._scores = Together(self._score)
        self._counted = Together(self._count)
        self._read = Together(self._read_of)

    async def existence(self, student: StoredStudent) -> Existence:
        """See StudentLookups."""
        if student.row is None:
            return "unknown"
        header = row_headers([student.row])[0]
        if header["events"]:
            return "known"
        return "erased" if header["erased_us"] else "unknown"

    async def behaviour(self, student: StoredStudent) -> BehaviourBySkill:
        """See StudentLookups."""
        return {} if student.row is None else await self._counted.ask(student)

    async def language(self, student: StoredStudent) -> LanguageBySkill:
        """See StudentLookups."""
        return {} if student.row is None else await self._read.ask(student)

    async def last_scores(self, student: StoredStudent) -> SkillUpdate | None:
        """See StudentLookups."""
        return None if student.row is None else await self._scores.ask(student)

    def _rows(self, students: Sequence[StoredStudent]) -> RowBatch:
        return RowBatch.of([student.row for student in students], self._pipeline.skill_set.names)

    async def _score(self, students: Sequence[StoredStudent]) -> list[SkillUpdate]:
        scorer = self._pipeline.scorer
        scored = await scorer.score(self._rows(students))
        return [read_update(update) for update in scorer.write([student.key for student in students], scored)]

    async def _count(self, students: Sequence[StoredStudent]) -> list[BehaviourBySkill]:
        rows = self._rows(students)
        seen, recent = self._observable.seen(rows), self._observable.indicators.recent(rows)
        return [self._described(seen, recent, at) for at in range(len(rows))]

    def _described(self, seen: Observed, recent: Rates, at: int) -> BehaviourBySkill:
        found: dict[str, list[DescribedIndicator]] = {}
        indicators = self._observable.indicators
        for index in np.flatnonzero(seen.observed[:, at]).tolist():
            indicator = indicators.indicators[index]
            of = float(seen.lifetime.whole[index, at])
            count = min(float(seen.lifetime.part[index, at]), of)
            late = float(recent.values[index, at])
            described = DescribedIndicator(
                name=indicator.name,
                text=_in_words(indicator.words if isinstance(indicator.words, str) else "", count, of),
                count=round(count, RATE_DIGITS),
                of=round(of, RATE_DIGITS),
                trend=0.0 if np.isnan(late) else round(late - count / of, RATE_DIGITS),
            )
            found.setdefault(self._pipeline.skill_set.names[int(indicators.skill[index])], []).append(described)
        return found

    async def _read_of(self, students: Sequence[StoredStudent]) -> list[LanguageBySkill]:
        rows = self._rows(students)
        texts = rows.skill_states["text_n"] * rows.decay[:, None]
        newest_s = rows.skill_states["text_newest_s"]
        return [
            {
                rows.names[column]: LanguageRead(
                    texts=round(float(texts[at, column]), RATE_DIGITS),
                    newest=rfc3339(int(newest_s[at, column]) * _SECOND_US),
                )
                for column in np.flatnonzero(texts[at] > 0).tolist()
            }
            for at in range(len(rows))
        ]


def _in_words(words: str, count: float, of: float) -> str:
    """The skills file's words, whose brackets belong to the number."""
    filled = words.format(count=f"{count:g}", of=f"{of:g}", rate=f"{count / of:.0%}")
    return filled.replace("[", "").replace("]", "")

"""From fused scores to the messages of `skill-updates`.

Arrays are rounded and turned into lists once a batch: reading single numbers out of arrays would cost more than all
the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal

import numpy as np

from schemas.update import UPDATE_VERSION, Contribution, EvidenceItem, SkillScore, SkillUpdate
from streams.artifacts import Artifact
from streams.evidence.source import Opinion, Status
from streams.folding import cell_of
from streams.fusion import Array, Fused
from streams.row import MAX_EVIDENCE, Row, SkillCell
from streams.skills import SkillSet

_DIGITS: Final = 6
_UNIX_DAY: Final = date(1970, 1, 1).toordinal()
_SILENT: Final = {
    Status.ABSENT.value: Contribution(status="absent"),
    Status.FAILED.value: Contribution(status="failed"),
}

Level = Literal["unknown", "emerging", "developing", "proficient"]
Columns = list[list[float]]


class UpdateWriter:
    """Writes the updates of one skill set and artifact; `config_version` names both."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact) -> None:
        self._skill_set = skill_set
        self._names = skill_set.names
        self._model = artifact.id
        self._rests_on = [skill.basis for skill in skill_set.skills.values()]
        self._validated = [name in artifact.card.skills for name in skill_set.names]
        self.config_version = f"{skill_set.config_version}-{artifact.digest[:8]}"

    def write(
        self, students: Sequence[str], rows: Sequence[Row], opinions: Mapping[str, Opinion], fused: Fused
    ) -> list[SkillUpdate]:
        """One update a student; skills without any evidence are left out. Notes each score in its row's cell."""
        batch = _Batch.of(opinions, fused)
        return [
            SkillUpdate(
                version=UPDATE_VERSION,
                student_id=student,
                seq=(row.epoch, row.offset),
                as_of=rfc3339(row.as_of_us),
                skills={
                    self._names[column]: self._score(row, line, column, batch)
                    for column, known in enumerate(batch.known[line])
                    if known
                },
                degraded=[source.name for source in batch.sources if source.failed[line]],
                config_version=self.config_version,
                model=self._model,
            )
            for line, (student, row) in enumerate(zip(students, rows, strict=True))
        ]

    def _score(self, row: Row, line: int, column: int, batch: "_Batch") -> SkillScore:
        cell = cell_of(row, self._names[column])
        cell.score, cell.confidence = batch.exact_score[line][column], batch.exact_confidence[line][column]
        return SkillScore(
            score=batch.score[line][column],
            low=batch.low[line][column],
            high=batch.high[line][column],
            confidence=batch.confidence[line][column],
            level=self.level(cell.score, cell.confidence),
            validated=self._validated[column] and batch.judged_by_model[line][column],
            rests_on=self._rests_on[column],
            contributions={source.name: source.contribution(line, column) for source in batch.sources},
            evidence=_evidence(cell, first=column * MAX_EVIDENCE + 1),
        )

    def level(self, score: float, confidence: float) -> Level:
        """The level that a score is in, `unknown` where too little is known to claim one."""
        levels = self._skill_set.levels
        if confidence < levels.min_confidence:
            return "unknown"
        if score < levels.developing:
            return "emerging"
        return "developing" if score < levels.proficient else "proficient"


@dataclass(frozen=True, slots=True)
class _SourceColumns:
    """One source's opinion as lists, rounded for publication."""

    name: str
    status: list[list[int]]
    p: Columns
    n: Columns
    age_s: Columns
    log_odds: Columns
    failed: list[bool]

    @classmethod
    def of(cls, name: str, opinion: Opinion, log_odds: Array) -> "_SourceColumns":
        return cls(
            name=name,
            status=opinion.status.tolist(),
            p=_rounded(opinion.p),
            n=_rounded(opinion.n),
            age_s=_rounded(opinion.age_s),
            log_odds=_rounded(log_odds),
            failed=np.any(opinion.status == Status.FAILED, axis=1).tolist(),
        )

    def contribution(self, line: int, column: int) -> Contribution:
        status = self.status[line][column]
        return _SILENT.get(status) or Contribution(
            status="ok" if status == 1 else "stale",
            p=self.p[line][column],
            n=self.n[line][column],
            age_s=self.age_s[line][column],
            log_odds=self.log_odds[line][column],
        )


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch's scores as lists: exact for the rows, rounded for publication. `sources` in the order of their names."""

    known: list[list[bool]]
    exact_score: Columns
    exact_confidence: Columns
    score: Columns
    low: Columns
    high: Columns
    confidence: Columns
    judged_by_model: list[list[bool]]
    sources: list[_SourceColumns]

    @classmethod
    def of(cls, opinions: Mapping[str, Opinion], fused: Fused) -> "_Batch":
        return cls(
            known=(~np.isnan(fused.score)).tolist(),
            exact_score=fused.score.tolist(),
            exact_confidence=fused.confidence.tolist(),
            score=_rounded(fused.score),
            low=_rounded(fused.low),
            high=_rounded(fused.high),
            confidence=_rounded(fused.confidence),
            judged_by_model=_judged("model", opinions, fused),
            sources=[_SourceColumns.of(name, opinions[name], fused.log_odds[name]) for name in sorted(opinions)],
        )


def rfc3339(time_us: int) -> str:
    """UTC, to the millisecond. Written by hand: it is done for every evidence item of every update."""
    day, rest_us = divmod(time_us, 86_400_000_000)
    ms = rest_us // 1_000
    minutes, ms = divmod(ms, 60_000)
    return f"{_date(day)}T{minutes // 60:02d}:{minutes % 60:02d}:{ms // 1_000:02d}.{ms % 1_000:03d}Z"


@lru_cache(maxsize=4_096)
def _date(day: int) -> str:
    return date.fromordinal(_UNIX_DAY + day).isoformat()


def _judged(source: str, opinions: Mapping[str, Opinion], fused: Fused) -> list[list[bool]]:
    judged: list[list[bool]] = (
        (opinions[source].n > 0).tolist() if source in opinions else np.zeros(fused.score.shape, dtype=bool).tolist()
    )
    return judged


def _rounded(numbers: Array) -> Columns:
    rounded: Columns = np.round(numbers, _DIGITS).tolist()
    return rounded


def _evidence(cell: SkillCell, *, first: int) -> list[EvidenceItem]:
    """The items of one skill; each skill has numbers of its own, so ids are unique within the update."""
    return [
        EvidenceItem(
            id=f"e{number}",
            fact=telling.fact,
            value=round(telling.value, _DIGITS),
            direction=1 if telling.weight > 0 else -1,
            time=rfc3339(telling.time_s * 1_000_000),
        )
        for number, telling in enumerate(cell.telling, start=first)
    ]

"""From fused scores to the messages of `skill-updates`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np

from schemas.update import UPDATE_VERSION, Contribution, EvidenceItem, SkillScore, SkillUpdate, SourceStatus
from streams.artifacts import Artifact
from streams.evidence.source import Opinion, Status
from streams.folding import cell_of
from streams.fusion import Fused
from streams.row import MAX_EVIDENCE, Row, SkillCell
from streams.skills import SkillSet

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS: Final[dict[int, SourceStatus]] = {
    Status.ABSENT: "absent",
    Status.OK: "ok",
    Status.STALE: "stale",
    Status.FAILED: "failed",
}
_DIGITS: Final = 6


class UpdateWriter:
    """Writes the updates of one skill set and artifact; `config_version` names both."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact) -> None:
        self._skill_set = skill_set
        self._model = artifact.id
        self._validated = {name: name in artifact.card.skills for name in skill_set.names}
        self.config_version = f"{skill_set.config_version}-{artifact.digest[:8]}"

    def write(
        self, students: Sequence[str], rows: Sequence[Row], opinions: Mapping[str, Opinion], fused: Fused
    ) -> list[SkillUpdate]:
        """One update a student; skills without any evidence are left out. Notes each score in its row's cell."""
        updates = []
        for line, (student, row) in enumerate(zip(students, rows, strict=True)):
            skills = {
                name: self._score(row, name, line, column, opinions, fused)
                for column, name in enumerate(self._skill_set.names)
                if not np.isnan(fused.score[line, column])
            }
            updates.append(
                SkillUpdate(
                    version=UPDATE_VERSION,
                    student_id=student,
                    seq=(row.epoch, row.offset),
                    as_of=rfc3339(row.as_of_us),
                    skills=skills,
                    degraded=_failed(opinions, line),
                    config_version=self.config_version,
                    model=self._model,
                )
            )
        return updates

    def _score(
        self, row: Row, name: str, line: int, column: int, opinions: Mapping[str, Opinion], fused: Fused
    ) -> SkillScore:
        score, confidence = float(fused.score[line, column]), float(fused.confidence[line, column])
        cell = cell_of(row, name)
        cell.score, cell.confidence = score, confidence
        return SkillScore(
            score=round(score, _DIGITS),
            low=round(float(fused.low[line, column]), _DIGITS),
            high=round(float(fused.high[line, column]), _DIGITS),
            confidence=round(confidence, _DIGITS),
            level=self.level(score, confidence),
            validated=self._validated[name],
            contributions={
                source: _contribution(opinion, fused, source, line, column) for source, opinion in opinions.items()
            },
            evidence=_evidence(cell, first=column * MAX_EVIDENCE + 1),
        )

    def level(self, score: float, confidence: float) -> Literal["unknown", "emerging", "developing", "proficient"]:
        """The level that a score is in, `unknown` where too little is known to claim one."""
        levels = self._skill_set.levels
        if confidence < levels.min_confidence:
            return "unknown"
        if score < levels.developing:
            return "emerging"
        return "developing" if score < levels.proficient else "proficient"


def rfc3339(time_us: int) -> str:
    """UTC, to the millisecond."""
    moment = _EPOCH + timedelta(microseconds=time_us)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _contribution(opinion: Opinion, fused: Fused, source: str, line: int, column: int) -> Contribution:
    status = _STATUS[int(opinion.status[line, column])]
    if status in ("absent", "failed"):
        return Contribution(status=status)
    return Contribution(
        status=status,
        p=round(float(opinion.p[line, column]), _DIGITS),
        n=round(float(opinion.n[line, column]), _DIGITS),
        age_s=round(float(opinion.age_s[line, column]), 3),
        log_odds=round(float(fused.log_odds[source][line, column]), _DIGITS),
    )


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


def _failed(opinions: Mapping[str, Opinion], line: int) -> list[str]:
    return sorted(name for name, opinion in opinions.items() if np.any(opinion.status[line] == Status.FAILED))

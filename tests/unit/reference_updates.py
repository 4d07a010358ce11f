"""Updates as they are meant: an object for every skill, contribution and piece of evidence."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from schemas.update import LEVELS, UPDATE_VERSION, Contribution, EvidenceItem, SkillScore, SkillUpdate
from streams.evidence.artifacts import Artifact
from streams.evidence.source import EstimateStatus
from streams.rows.row import MAX_EVIDENCE
from streams.rows.row_batch import RowBatch
from streams.scoring.fusion import Fused, ScoredBatch
from streams.scoring.updates import evidence_names
from streams.skills.skill_set import SkillSet
from streams.skills.sources import BUILT_IN


def updates(
    students: Sequence[str], row_batch: RowBatch, scored: ScoredBatch, skill_set: SkillSet, artifact: Artifact
) -> list[SkillUpdate]:
    """What UpdateWriter writes, before it is encoded."""
    return [
        SkillUpdate(
            version=UPDATE_VERSION,
            student_id=student,
            seq=(int(row_batch.headers["epoch"][row_index]), int(row_batch.headers["offset"][row_index])),
            as_of=_time(int(row_batch.headers["as_of_us"][row_index])),
            skills={
                name: _skill(row_index, column, row_batch, scored, skill_set, artifact)
                for column, name in enumerate(skill_set.names)
                if not np.isnan(scored.fused.score[row_index, column])
            },
            degraded=sorted(
                name for name, said in scored.estimates.items() if EstimateStatus.FAILED in said.status[row_index]
            ),
            config_version=f"{skill_set.config_version}-{artifact.digest[:8]}",
            model=artifact.id,
        )
        for row_index, student in enumerate(students)
    ]


def _skill(
    row_index: int, column: int, row_batch: RowBatch, scored: ScoredBatch, skill_set: SkillSet, artifact: Artifact
) -> SkillScore:
    fused, name, at = scored.fused, skill_set.names[column], (row_index, column)
    contributions = {source: _contribution(source, scored, at) for source in sorted(scored.estimates)}
    carried = "model" in _carrying(fused, at)
    out = carried and bool(scored.estimates["model"].out_of_range[at])
    return SkillScore(
        score=_rounded(fused.score[at]),
        low=_rounded(fused.low[at]),
        high=_rounded(fused.high[at]),
        confidence=_rounded(fused.confidence[at]),
        level="unknown" if out else LEVELS[int(skill_set.levels.classify(fused.score[at], fused.confidence[at]))],
        validated=name in artifact.card.skills and carried and not out and _is_carried_by_model(fused, at),
        rests_on=skill_set.skills[name].rests_on(_carrying(fused, at), labelled=carried),
        contributions=contributions,
        evidence=_evidence(row_batch, skill_set, at),
    )


def _carrying(fused: Fused, at: tuple[int, int]) -> list[str]:
    return [source for source in BUILT_IN if source in fused.carries and fused.carries[source][at]]


def _is_carried_by_model(fused: Fused, at: tuple[int, int]) -> bool:
    log_odds = {source: abs(float(of_source[at])) for source, of_source in fused.log_odds.items()}
    return 2 * log_odds["model"] >= sum(log_odds.values())


def _contribution(source: str, scored: ScoredBatch, at: tuple[int, int]) -> Contribution:
    estimate = scored.estimates[source]
    match EstimateStatus(estimate.status[at]):
        case EstimateStatus.ABSENT:
            return Contribution(status="absent")
        case EstimateStatus.FAILED:
            return Contribution(status="failed")
        case spoke:
            return Contribution(
                status="ok" if spoke is EstimateStatus.OK else "stale",
                p=_rounded(estimate.p[at]),
                n=_rounded(estimate.n[at]),
                age_s=_rounded(estimate.age_s[at]),
                log_odds=_rounded(scored.fused.log_odds[source][at]),
            )


def _evidence(row_batch: RowBatch, skill_set: SkillSet, at: tuple[int, int]) -> list[EvidenceItem]:
    names, noted = evidence_names(skill_set), {name: column[at] for name, column in row_batch.evidence_items.items()}
    return [
        EvidenceItem(
            id=f"e{at[1] * MAX_EVIDENCE + slot + 1}",
            fact=names[int(noted["code"][slot])],
            value=_rounded(noted["value"][slot]),
            direction=1 if noted["weight"][slot] > 0 else -1,
            time=_time(int(noted["time_s"][slot]) * 1_000_000),
        )
        for slot in range(MAX_EVIDENCE)
        if noted["weight"][slot] != 0 and int(noted["code"][slot]) in names
    ]


def _rounded(value: float) -> float:
    return float(np.round(value, 6))


def _time(time_us: int) -> str:
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(microsecond=time_us % 1_000_000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

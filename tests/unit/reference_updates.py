"""Updates as they are meant: an object for every skill, contribution and piece of evidence."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from schemas.update import LEVELS, UPDATE_VERSION, Contribution, EvidenceItem, SkillScore, SkillUpdate
from streams.evidence.artifacts import Artifact
from streams.evidence.source import Status
from streams.rows.row import MAX_EVIDENCE
from streams.rows.row_batch import Block
from streams.scoring.fusion import Fused, Judgement
from streams.scoring.updates import told_names
from streams.skills.skill_set import SkillSet
from streams.skills.sources import BUILT_IN


def updates(
    students: Sequence[str], block: Block, judgement: Judgement, skill_set: SkillSet, artifact: Artifact
) -> list[SkillUpdate]:
    """What UpdateWriter writes, before it is encoded."""
    return [
        SkillUpdate(
            version=UPDATE_VERSION,
            student_id=student,
            seq=(int(block.head["epoch"][line]), int(block.head["offset"][line])),
            as_of=_time(int(block.head["as_of_us"][line])),
            skills={
                name: _skill(line, column, block, judgement, skill_set, artifact)
                for column, name in enumerate(skill_set.names)
                if not np.isnan(judgement.fused.score[line, column])
            },
            degraded=sorted(name for name, said in judgement.opinions.items() if Status.FAILED in said.status[line]),
            config_version=f"{skill_set.config_version}-{artifact.digest[:8]}",
            model=artifact.id,
        )
        for line, student in enumerate(students)
    ]


def _skill(
    line: int, column: int, block: Block, judgement: Judgement, skill_set: SkillSet, artifact: Artifact
) -> SkillScore:
    fused, name, at = judgement.fused, skill_set.names[column], (line, column)
    contributions = {source: _contribution(source, judgement, at) for source in sorted(judgement.opinions)}
    return SkillScore(
        score=_rounded(fused.score[at]),
        low=_rounded(fused.low[at]),
        high=_rounded(fused.high[at]),
        confidence=_rounded(fused.confidence[at]),
        level=LEVELS[int(skill_set.levels.classify(fused.score[at], fused.confidence[at]))],
        validated=name in artifact.card.skills and "model" in _carrying(fused, at),
        rests_on=skill_set.skills[name].rests_on(_carrying(fused, at), labelled="model" in _carrying(fused, at)),
        contributions=contributions,
        evidence=_evidence(block, skill_set, at),
    )


def _carrying(fused: Fused, at: tuple[int, int]) -> list[str]:
    return [source for source in BUILT_IN if source in fused.carries and fused.carries[source][at]]


def _contribution(source: str, judgement: Judgement, at: tuple[int, int]) -> Contribution:
    opinion = judgement.opinions[source]
    match Status(opinion.status[at]):
        case Status.ABSENT:
            return Contribution(status="absent")
        case Status.FAILED:
            return Contribution(status="failed")
        case spoke:
            return Contribution(
                status="ok" if spoke is Status.OK else "stale",
                p=_rounded(opinion.p[at]),
                n=_rounded(opinion.n[at]),
                age_s=_rounded(opinion.age_s[at]),
                log_odds=_rounded(judgement.fused.log_odds[source][at]),
            )


def _evidence(block: Block, skill_set: SkillSet, at: tuple[int, int]) -> list[EvidenceItem]:
    names, told = told_names(skill_set), {name: column[at] for name, column in block.told.items()}
    return [
        EvidenceItem(
            id=f"e{at[1] * MAX_EVIDENCE + slot + 1}",
            fact=names[int(told["code"][slot])],
            value=_rounded(told["value"][slot]),
            direction=1 if told["weight"][slot] > 0 else -1,
            time=_time(int(told["time_s"][slot]) * 1_000_000),
        )
        for slot in range(MAX_EVIDENCE)
        if told["weight"][slot] != 0 and int(told["code"][slot]) in names
    ]


def _rounded(value: float) -> float:
    return float(np.round(value, 6))


def _time(time_us: int) -> str:
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(microsecond=time_us % 1_000_000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Updates as they are meant: an object for every skill, contribution and piece of evidence."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET

from schemas.update import (
    LEVELS,
    UPDATE_VERSION,
    Contribution,
    EvidenceItem,
    IndicatorRate,
    KnownSkill,
    ScoreChange,
    SkillProfile,
    SkillScore,
    SkillUpdate,
)
from streams.evidence.artifacts import Artifact
from streams.evidence.platforms import Platforms
from streams.evidence.registry import Types, config_version, types_of
from streams.evidence.source import EstimateStatus
from streams.rows.enrolment import EnrolmentIds, enrolment_of
from streams.rows.row import MAX_EVIDENCE
from streams.rows.row_batch import RowBatch
from streams.rows.weeks import SCALE, WeekUnderWay, begins_s, past_of
from streams.scoring.evidence_texts import evidence_names
from streams.scoring.fusion import Fused, ScoredBatch
from streams.skills.skill_set import Indicator, SkillSet
from streams.skills.sources import BUILT_IN
from streams.vocabulary import INDEX, skill_code
from tests.unit import reference_tasks


def updates(
    students: Sequence[str], row_batch: RowBatch, scored: ScoredBatch, skill_set: SkillSet, artifact: Artifact
) -> list[SkillUpdate]:
    """What UpdateWriter writes, before it is encoded."""
    types = types_of(skill_set)
    return [
        SkillUpdate(
            version=UPDATE_VERSION,
            student_id=student,
            seq=(int(row_batch.headers["epoch"][row_index]), int(row_batch.headers["offset"][row_index])),
            as_of=_time(int(row_batch.headers["as_of_us"][row_index])),
            skills={
                name: skill
                for column, name in enumerate(skill_set.names)
                if (skill := _skill(row_index, column, row_batch, scored, skill_set, artifact, types)) is not None
            },
            degraded=sorted(
                name for name, said in scored.estimates.items() if EstimateStatus.FAILED in said.status[row_index]
            ),
            changed=_changed(row_index, scored, skill_set, artifact, types),
            config_version=config_version(skill_set, types, artifact),
            course_id=_named(row_batch, row_index).course_id or UNSET,
            class_id=_named(row_batch, row_index).class_id or UNSET,
            school_id=_named(row_batch, row_index).school_id or UNSET,
        )
        for row_index, student in enumerate(students)
    ]


def encoded(update: SkillUpdate) -> bytes:
    """The update in JSON, its arrays without the places at their end that are as usual."""
    document = msgspec.to_builtins(update)
    for change in document.get("changed", []):
        if change[-1] is None:
            change.pop()
    for skill in document["skills"].values():
        items: list[tuple[list[Any], list[Any]]] = [(item, [1.0, None, 1]) for item in skill.get("evidence", [])]
        items += [(rate, [0.0]) for rate in skill.get("indicators", {}).values()]
        for item, usual in items:
            while len(item) > 2 and item[-1] == usual[len(item) - 3]:
                item.pop()
    return msgspec.json.encode(document)


def _named(row_batch: RowBatch, row_index: int) -> EnrolmentIds:
    return enrolment_of(row_batch.sections["enrolment"][row_index])


def _changed(
    row_index: int, scored: ScoredBatch, skill_set: SkillSet, artifact: Artifact, types: Types
) -> list[ScoreChange]:
    """From the weeks that are over, and the skill as it is shown."""
    rows, found = scored.rows, list[ScoreChange]()
    under_way = WeekUnderWay.of(rows.sections["weeks"])
    past, begin_s = past_of(under_way.past[row_index]), begins_s(int(under_way.week[row_index]))
    for column, name in enumerate(skill_set.names):
        skill = _skill(row_index, column, rows, scored, skill_set, artifact, types)
        if not isinstance(skill, SkillScore) or skill_code(name) not in past:
            continue
        before, after = past[skill_code(name)][-1].score, round(skill.score * SCALE)
        if abs(after - before) < 200:
            continue
        sign = 1 if after > before else -1
        items = [
            (int(item["weight"]) * sign, item)
            for item in rows.evidence_items[row_index, column]
            if item["weight"] and int(item["code"]) in evidence_names(skill_set)
        ]
        weights = [weight if int(item["time_s"]) >= begin_s else 0 for weight, item in items]
        best = max(weights, default=0)
        found.append(ScoreChange(name, before / SCALE, after / SCALE, weights.index(best) + 1 if best > 0 else None))
    return found


def _skill(
    row_index: int,
    column: int,
    row_batch: RowBatch,
    scored: ScoredBatch,
    skill_set: SkillSet,
    artifact: Artifact,
    types: Types,
) -> KnownSkill | None:
    name, at = skill_set.names[column], (row_index, column)
    estimate, evidence = scored.estimates["model"], _evidence(row_batch, skill_set, at)
    fitted = name in artifact.card.skills and estimate.n[at] > 0
    ratings = row_batch.skill_states["rubric_n"][at] * row_batch.decay[row_index]
    if ratings >= (0.5 if fitted else 1e-9):
        return _rated(at, row_batch, skill_set, evidence)
    if fitted:
        return _score(at, scored, skill_set, artifact, evidence)
    platforms = Platforms.of(skill_set, artifact)
    rates = {
        each.name: rate
        for each in skill_set.skills[name].indicators
        if (rate := _rate(each, row_batch, row_index)) and (rate.count or platforms.tell(each))
    }
    return SkillProfile(indicators=rates, evidence=evidence) if rates or evidence else None


def _score(
    at: tuple[int, int], scored: ScoredBatch, skill_set: SkillSet, artifact: Artifact, evidence: list[EvidenceItem]
) -> SkillScore:
    fused, name = scored.fused, skill_set.names[at[1]]
    has_interval = bool(artifact.card.skills[name].intervals or artifact.card.skills[name].outcome_intervals)
    carried = "model" in _carrying(fused, at)
    out = carried and bool(scored.estimates["model"].out_of_range[at])
    return SkillScore(
        score=_rounded(fused.score[at]),
        low=_rounded(fused.low[at]) if has_interval else UNSET,
        high=_rounded(fused.high[at]) if has_interval else UNSET,
        confidence=_rounded(fused.confidence[at]),
        level="unknown" if out else LEVELS[int(skill_set.levels.classify(fused.score[at], fused.confidence[at]))],
        validated=carried and not out and _is_carried_by_model(fused, at),
        out_of_range=out or UNSET,
        contributions={
            source: part
            for source in sorted(scored.estimates)
            if (part := _contribution(source, scored, at)) is not None
        },
        evidence=evidence,
    )


def _rated(at: tuple[int, int], rows: RowBatch, skill_set: SkillSet, evidence: list[EvidenceItem]) -> SkillScore:
    decay, noted = rows.decay[at[0]], rows.skill_states[at]
    n = noted["rubric_n"] * decay
    score = (noted["rubric_total"] * decay + 0.5) / (n + 1)
    confidence = 1 - np.sqrt(1 / (1 + n))
    age_s = max(rows.headers["as_of_us"][at[0]] / 1e6 - noted["rubric_newest_s"], 0)
    return SkillScore(
        score=_rounded(score),
        confidence=_rounded(confidence),
        level=LEVELS[int(skill_set.levels.classify(score, confidence))],
        validated=False,
        contributions={
            "rubric": Contribution(
                status="ok" if age_s <= skill_set.fusion.stale_after_days * 86_400 else "stale",
                p=_rounded(score),
                n=_significant(n),
                age_s=round(age_s),
                log_odds=_rounded(np.log(score / (1 - score)), 3),
            )
        },
        evidence=evidence,
    )


def _rate(indicator: Indicator, rows: RowBatch, row_index: int) -> IndicatorRate | None:
    def added(terms: tuple[str, ...], number: str, total: str) -> float:
        summed = 0.0
        for term in terms:
            fact, _, column = term.partition(".")
            summed += float(rows.facts[total if column == "sum" else number][row_index, INDEX[fact]])
        return summed

    of = added(indicator.denominator, "n", "total")
    if not of:
        return None
    count = min(added(indicator.numerator, "n", "total"), of)
    lately = added(indicator.denominator, "recent_n", "recent_total")
    recent = min(added(indicator.numerator, "recent_n", "recent_total"), lately) / lately if lately else count / of
    return IndicatorRate(_plain(_rounded(count, 3)), _plain(_rounded(of, 3)), _rounded(recent - count / of, 3))


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _carrying(fused: Fused, at: tuple[int, int]) -> list[str]:
    return [source for source in BUILT_IN if source in fused.carries and fused.carries[source][at]]


def _is_carried_by_model(fused: Fused, at: tuple[int, int]) -> bool:
    log_odds = {source: abs(float(of_source[at])) for source, of_source in fused.log_odds.items()}
    return 2 * log_odds["model"] >= sum(log_odds.values())


def _contribution(source: str, scored: ScoredBatch, at: tuple[int, int]) -> Contribution | None:
    estimate = scored.estimates[source]
    match EstimateStatus(estimate.status[at]):
        case EstimateStatus.ABSENT:
            return None
        case EstimateStatus.FAILED:
            return Contribution(status="failed")
        case spoke:
            return Contribution(
                status="ok" if spoke is EstimateStatus.OK else "stale",
                p=_plain(_rounded(estimate.p[at])),
                n=_significant(estimate.n[at]),
                age_s=round(float(estimate.age_s[at])),
                log_odds=_plain(_rounded(scored.fused.log_odds[source][at], 3))
                if scored.fused.carries[source][at]
                else UNSET,
            )


def _evidence(row_batch: RowBatch, skill_set: SkillSet, at: tuple[int, int]) -> list[EvidenceItem]:
    names, noted = evidence_names(skill_set), row_batch.evidence_items[at]
    tasks = reference_tasks.unpacked(row_batch.sections["tasks"][at[0]])
    return [
        EvidenceItem(
            fact=names[int(noted["code"][slot])],
            age_s=int(row_batch.headers["as_of_us"][at[0]]) // 1_000_000 - int(noted["time_s"][slot]),
            value=_significant(noted["value"][slot]),
            direction=1 if noted["weight"][slot] > 0 else -1,
            task=tasks[code].decode() if (code := int(noted["task"][slot])) in tasks else None,
        )
        for slot in range(MAX_EVIDENCE)
        if noted["weight"][slot] != 0 and int(noted["code"][slot]) in names
    ]


def _rounded(value: float, digits: int = 4) -> float:
    return float(np.round(value, digits)) + 0.0


def _significant(value: float) -> int | float:
    """Three digits that mean something, and none beyond the point."""
    digits = min(max(2 - math.floor(math.log10(abs(value))), 0), 15) if value else 0
    return _plain(float(np.round(value * 10.0**digits) / 10.0**digits))


def _time(time_us: int) -> str:
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(microsecond=time_us % 1_000_000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

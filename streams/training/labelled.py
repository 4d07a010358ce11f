"""Subjects of an evaluation, from labels: the scores that a worker would have had of each student at their `as_of`.

moments ──score, as a worker does──► estimates, fused ──► predictions ──► with some sources alone, or left out
   └── features ──► baselines
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.evaluation.baselines import baselines
from streams.evaluation.predictions import NOTHING_KNOWN, Names, Predictions
from streams.evaluation.subject import Rival, Subject
from streams.evidence.artifacts import Artifact
from streams.evidence.features import FEATURES
from streams.evidence.registry import types_of
from streams.evidence.source import Estimate
from streams.pipeline import Pipeline
from streams.rows.row_batch import Floats
from streams.scoring.fusion import Fusion, ScoredBatch
from streams.skills.skill_set import SkillSet
from streams.training.errors import TrainingError
from streams.training.estimates import feature_matrix, joined, normed_batches, reordered, without
from streams.training.labels import MAX_ORDINALS, Label, StudentGroups, ordinals_of
from streams.training.moments import OWN, Moment
from streams.vocabulary import INDEX

UNKNOWN_P: Final = 0.5
"""What a student without a score counts as."""
LABEL_NUMBER: Final = "label_number"
"""The subgroup column that says which of its student's labels each is."""
_DEADLINE_S: Final = 600.0
_SCORES: Final = [INDEX["attempted"], INDEX["marked"]]
"""Facts whose values are scores of work."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Moments as the pipeline scores them: arrays have a row a moment, estimates also a column a skill.

    `score_total` and `score_n` are of the scores that a student's work got so far.
    """

    moments: Sequence[Moment]
    estimates: Mapping[str, Estimate]
    events: Floats
    score_total: Floats
    score_n: Floats

    @property
    def stages(self) -> Names:
        """Of each moment, its stage."""
        return np.array([moment.stage for moment in self.moments])

    def at(self, rows: NDArray[np.intp]) -> "Scored":
        """These rows alone."""
        estimates = {name: reordered(estimate, rows) for name, estimate in self.estimates.items()}
        moments = [self.moments[row] for row in rows]
        return Scored(moments, estimates, self.events[rows], self.score_total[rows], self.score_n[rows])


async def score_moments(moments: Sequence[Moment], skill_set: SkillSet, artifact: Artifact) -> Scored:
    """Score every moment by the pipeline, without hurry, under its norms. Raises TrainingError where a source of
    evidence fails.
    """
    patient = msgspec.structs.replace(skill_set.fusion, deadline_s=_DEADLINE_S)
    pipeline = Pipeline(msgspec.structs.replace(skill_set, fusion=patient), artifact, on_failure=_refuse)
    parts, at = [], []
    for batch in normed_batches(moments, skill_set.names):
        pipeline.put_norms(batch.norms)
        scored = await pipeline.score(batch.rows)
        parts.append(_scored([moments[index] for index in batch.at.tolist()], scored))
        at.append(batch.at)
    return _joined(parts).at(np.argsort(np.concatenate(at)))


def predictions_of(
    scored: Scored, skill_set: SkillSet, artifact: Artifact, groups: StudentGroups, sources: Sequence[str] | None = None
) -> dict[str, Predictions]:
    """By skill the scores of its moments; as if all but the named `sources` had failed, where any are named."""
    fusion = Fusion(skill_set, artifact, types_of(skill_set))
    if sources is not None:
        scored = replace(scored, estimates=without(scored.estimates, sources))
    return {skill: _predictions(part, fusion, column, groups) for skill, column, part in _by_skill(scored, skill_set)}


def subjects(
    scored: Scored, skill_set: SkillSet, artifact: Artifact, groups: StudentGroups, seed: int = 0
) -> dict[str, Subject]:
    """One subject for every skill of which there are moments."""
    fusion = Fusion(skill_set, artifact, types_of(skill_set))
    return {
        skill: _subject(part, column, fusion, artifact, groups, seed)
        for skill, column, part in _by_skill(scored, skill_set)
    }


def _by_skill(scored: Scored, skill_set: SkillSet) -> Iterator[tuple[str, int, Scored]]:
    """Each skill of which there are moments, its column in the estimates, and those moments."""
    of_skill = np.array([moment.label.skill for moment in scored.moments])
    for column, skill in enumerate(skill_set.names):
        if len(rows := np.flatnonzero(of_skill == skill)):
            yield skill, column, scored.at(rows)


def _subject(
    scored: Scored, column: int, fusion: Fusion, artifact: Artifact, groups: StudentGroups, seed: int
) -> Subject:
    """The evaluation of the skill in `column`; all moments are of labels of it."""
    own = scored.at(np.flatnonzero(scored.stages == OWN))
    predictions = _predictions(own, fusion, column, groups)
    unscored = int(np.isnan(predictions.confidence).sum())
    card = artifact.card.skills.get(own.moments[0].label.skill)
    features = feature_matrix(own.moments, card.features if card else FEATURES)
    return Subject(
        predictions=predictions,
        earlier=dict(_earlier(scored, column, fusion, groups)),
        sources=dict(_sources(own, column, fusion, groups)),
        baselines=baselines(predictions, own.score_total, own.score_n, features, seed),
        figures={"unscored": float(unscored)},
        notes=tuple(_notes(predictions, unscored, card is not None)),
    )


def _earlier(scored: Scored, column: int, fusion: Fusion, groups: StudentGroups) -> Iterator[tuple[str, Predictions]]:
    """By stage: of those who had as many events before their label, or just as many."""
    for stage in dict.fromkeys(scored.stages.tolist()):
        if stage != OWN:
            just = (scored.stages == OWN) & (scored.events == scored.events[scored.stages == stage][0])
            rows = np.flatnonzero((scored.stages == stage) | just)
            yield stage, _predictions(scored.at(rows), fusion, column, groups)


def _predictions(scored: Scored, fusion: Fusion, column: int, groups: StudentGroups) -> Predictions:
    fused = fusion.fuse(scored.estimates)
    score = fused.score[:, column]
    labels = [moment.label for moment in scored.moments]
    return Predictions(
        student=np.array([groups.of(label.student) for label in labels]),
        p=np.where(np.isnan(score), UNKNOWN_P, score),
        outcome=np.array([float(label.label) for label in labels]),
        low=fused.low[:, column],
        high=fused.high[:, column],
        confidence=fused.confidence[:, column],
        evidence=scored.events,
        mask=_masks(scored.estimates, column),
        subgroups=_subgroups(labels),
    )


def _masks(estimates: Mapping[str, Estimate], column: int) -> Names:
    """The sources present in each row, joined by +."""
    present = {name: estimate.n[:, column] > 0 for name, estimate in estimates.items()}
    rows = zip(*present.values(), strict=True)
    return np.array(["+".join(compress(present, row)) or NOTHING_KNOWN for row in rows])


def _subgroups(labels: Sequence[Label]) -> dict[str, Names]:
    """The labels' further columns, and which of its student's labels each is, where students have several."""
    names = [name for name, _ in labels[0].columns]
    by_column = zip(*([value for _, value in label.columns] for label in labels), strict=True)
    columns = {name: np.array(values) for name, values in zip(names, by_column, strict=True)}
    ordinals = ordinals_of(labels)
    if 1 < int(ordinals.max()) <= MAX_ORDINALS:
        columns[LABEL_NUMBER] = ordinals.astype(np.str_)
    return columns


def _sources(scored: Scored, column: int, fusion: Fusion, groups: StudentGroups) -> Iterator[tuple[str, Rival]]:
    """Each source alone, where it is present; and left out, where another is present beside it."""
    present = {name: estimate.n[:, column] > 0 for name, estimate in scored.estimates.items()}
    several = np.sum(list(present.values()), axis=0) > 1
    for name, there in present.items():
        rows = np.flatnonzero(there & several)
        if len(rows):
            part = scored.at(rows)
            others = [other for other in present if other != name]
            for title, named in ((f"{name} alone", [name]), (f"without {name}", others)):
                fewer = replace(part, estimates=without(part.estimates, named))
                yield title, Rival(_predictions(fewer, fusion, column, groups), rows)


def _notes(predictions: Predictions, unscored: int, trained: bool) -> Iterator[str]:
    if not trained:
        yield "the artifact has no model of this skill: its score rests on indicators and phrases chosen by hand"
    if unscored:
        yield f"{unscored} of {len(predictions)} had no score yet, and count as {UNKNOWN_P}"


def _scored(moments: Sequence[Moment], batch: ScoredBatch) -> Scored:
    facts = batch.rows.facts
    return Scored(
        moments,
        batch.estimates,
        batch.rows.headers["events"].astype(np.float64),
        facts["total"][:, _SCORES].sum(axis=1),
        facts["n"][:, _SCORES].sum(axis=1).astype(np.float64),
    )


def _joined(parts: Sequence[Scored]) -> Scored:
    return Scored(
        [moment for part in parts for moment in part.moments],
        {name: joined([part.estimates[name] for part in parts]) for name in parts[0].estimates},
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("events", "score_total", "score_n")),
    )


def _refuse(source: str, error: BaseException) -> None:
    raise TrainingError(f"source {source} failed: {error!r}")

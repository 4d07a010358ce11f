"""Model: a classifier a skill, over the features of the whole row, and against the norms in force."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact
from streams.evidence.features import facts_read, features_of
from streams.evidence.source import Estimate, EstimateStatus, SourceType
from streams.evidence.training_scope import EventCount, TrainingScope, training_scopes
from streams.evidence.tree_scorer import TreeScorer
from streams.norms.view import NormView
from streams.rows.row_batch import RowBatch

_EDGE: Final = 0.005


class ModelSource:
    """The `model` source; a skill without a model in the artifact is absent."""

    name = "model"

    def __init__(
        self, artifact: Artifact, skills: Sequence[str], scopes: Mapping[str, TrainingScope] | None = None
    ) -> None:
        """A model without a scope says what it says of anybody."""
        of_skill = scopes or {}
        self._columns = [
            (
                column,
                TreeScorer(artifact.models[skill]),
                _Inputs(artifact.card.skills[skill].features),
                of_skill.get(skill),
            )
            for column, skill in enumerate(skills)
            if skill in artifact.models
        ]
        self._width = len(skills)
        self.norms: NormView | None = None

    def compute(self, row_batch: RowBatch, /) -> Estimate:
        """See ComputedSource; pure.

        A student with no event among a model's inputs, other than of sittings, is absent to it, as is one whom its
        scope excludes. n is the decayed number of those events.
        """
        estimate = Estimate.empty(len(row_batch), self._width)
        for column, model, inputs, scope in self._columns:
            n, age_s = inputs.evidence(row_batch)
            known = np.flatnonzero(n > 0 if scope is None else (n > 0) & ~scope.excludes(row_batch))
            if not len(known):
                continue
            chosen = None if len(known) == len(n) else known
            matrix = features_of(row_batch, inputs.features, chosen=chosen, norms=self.norms)
            estimate.p[known, column] = np.clip(model.probability(matrix), _EDGE, 1 - _EDGE)
            estimate.n[known, column] = n[known]
            estimate.age_s[known, column] = age_s[known]
            estimate.status[known, column] = EstimateStatus.OK
            if scope is not None:
                estimate.out_of_range[known, column] = scope.is_beyond(matrix)
        return estimate


class CohortModelSource(ModelSource):
    """The same, of models that compare students with their cohort."""

    compares_cohorts = True

    def with_norms(self, norms: NormView | None, /) -> Self:
        """See NormedSource."""
        other = copy(self)
        other.norms = norms
        return other


def model_source(
    artifact: Artifact, skills: Sequence[str], scopes: Mapping[str, TrainingScope] | None = None
) -> ModelSource:
    """The source of an artifact's models: norms make a difference to it only if they do to any of these."""
    kind = CohortModelSource if artifact.compares_cohorts else ModelSource
    return kind(artifact, skills, scopes)


class _Inputs:
    """A model's features, and the facts that they are made of."""

    def __init__(self, features: Sequence[str]) -> None:
        self.features = tuple(features)
        read = facts_read(features)
        facts = sorted({fact for fact in read if fact.standing != "context"} or read)
        self._facts = np.array(facts, np.intp)
        self._events = EventCount(facts)

    def evidence(self, row_batch: RowBatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Effective number of input events, and age in s of the newest; each of shape (rows,)."""
        newest_s = row_batch.facts["newest_s"].T[self._facts].max(axis=0, initial=0)
        age_s = np.maximum(row_batch.headers["as_of_us"] / 1e6 - newest_s, 0)
        return self._events.recent(row_batch) * row_batch.decay, np.where(newest_s > 0, age_s, 0.0)


MODEL: Final = SourceType(
    name=ModelSource.name,
    make=lambda skill_set, artifact: model_source(artifact, skill_set.names, training_scopes(skill_set, artifact)),
    trained=True,
    kappas=(0.0, 1.0, 4.0, 16.0),
)

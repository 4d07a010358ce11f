"""Mastery: the predicted mean of a student's later answers, from counts by component and an item bank."""

from collections.abc import Sequence
from copy import copy
from typing import Final, Self

import numpy as np

from streams.evidence.artifacts import Artifact
from streams.evidence.source import Estimate, EstimateStatus, SourceType
from streams.mastery.counts import AnswerCounts
from streams.mastery.model import Mastery
from streams.norms.view import NormView
from streams.rows.components import ComponentBatch
from streams.rows.row_batch import RowBatch

_EDGE: Final = 0.005


class MasterySource:
    """The `mastery` source; a skill without an item bank in the artifact is absent."""

    name = "mastery"
    compares_cohorts = False

    def __init__(self, artifact: Artifact, skills: Sequence[str]) -> None:
        self.columns = [
            (column, Mastery(artifact.banks[skill])) for column, skill in enumerate(skills) if skill in artifact.banks
        ]
        self._width = len(skills)

    def with_norms(self, norms: NormView | None, /) -> Self:
        """See NormedSource."""
        other = copy(self)
        other.columns = [(column, mastery.with_norms(norms)) for column, mastery in self.columns]
        return other

    def compute(self, row_batch: RowBatch, /) -> Estimate:
        """See ComputedSource; pure. n is the number of answers, counted by component."""
        estimate = Estimate.empty(len(row_batch), self._width)
        if not self.columns:
            return estimate
        found = ComponentBatch.of(row_batch.sections["components"])
        counts = AnswerCounts.of_components(row_batch, found)
        n = counts.all_wins + counts.all_fails
        newest_s = np.zeros(len(row_batch))
        np.maximum.at(newest_s, found.owner, found.records["newest_s"])
        age_s = np.maximum(row_batch.headers["as_of_us"] / 1e6 - newest_s, 0)
        known = np.flatnonzero(n > 0)
        for column, mastery in self.columns:
            estimate.p[known, column] = np.clip(mastery.outlook(counts)[known], _EDGE, 1 - _EDGE)
            estimate.n[known, column] = n[known]
            estimate.age_s[known, column] = age_s[known]
            estimate.status[known, column] = EstimateStatus.OK
        return estimate


MASTERY: Final = SourceType(
    name=MasterySource.name,
    make=lambda skill_set, artifact: MasterySource(artifact, skill_set.names),
    trained=True,
    kappas=(0.0,),
)

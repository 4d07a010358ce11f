"""The number that a row notes of a profile: how far it has moved is how much there is to explain. It is never shown.

An indicator that may add to no score, since nobody knows whether all that it counts can occur, is shown in a profile
once the student did it. The number is made of these, too, weighed as the skills file says; else there would be nothing
to explain of most students.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from streams.evidence.artifacts import Artifact
from streams.evidence.behaviour import BehaviourSource, recent_rates
from streams.evidence.indicators import Indicators
from streams.evidence.platforms import speaking
from streams.evidence.source import Estimate
from streams.evidence.weighted_indicators import WeightedIndicator, WeightedIndicators
from streams.rows.row_batch import Floats, RowBatch
from streams.scoring.fusion import MAX_LOG_ODDS, Fused, log_odds_of
from streams.skills.skill_set import SkillSet


class ProfileNumbers:
    """Of one skill set and artifact."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact) -> None:
        self._indicators = Indicators.of(skill_set)
        self._silent = WeightedIndicators(list(_silent(skill_set, artifact, self._indicators)), len(skill_set.names))
        self._kappa = skill_set.fusion.kappa
        self._weights = np.array([skill.weights.get(BehaviourSource.name, 0.0) for skill in skill_set.skills.values()])

    def noted(self, rows: RowBatch, estimates: Mapping[str, Estimate], fused: Fused) -> Fused:
        """`fused`, with the numbers of profiles in place of what has no fitted part; scores stay as they are."""
        if not len(self._silent):
            return fused
        log_odds, n = self._added(rows, estimates)
        changed = ~fused.fitted & (n > 0)
        log_odds = self._weights * n / (n + self._kappa) * log_odds
        total = np.minimum(np.maximum(log_odds_of(fused.score) + log_odds, -MAX_LOG_ODDS), MAX_LOG_ODDS)
        before = self._kappa / (1 - np.minimum(fused.confidence, 0.999)) ** 2 - self._kappa
        before[np.isnan(before)] = 0.0
        return replace(
            fused,
            score=np.where(changed, 1 / (1 + np.exp(-total)), fused.score),
            confidence=np.where(changed, 1 - np.sqrt(self._kappa / (self._kappa + before + n)), fused.confidence),
        )

    def _added(self, rows: RowBatch, estimates: Mapping[str, Estimate]) -> tuple[Floats, Floats]:
        """What silent indicators add to log-odds and to evidence; each of shape (students, skills)."""
        part, whole = self._silent.of(recent_rates(self._indicators, rows, estimates), rows.decay)
        whole = np.where(part > 0, whole, 0.0)
        log_odds, n = np.zeros((2, len(self._weights), len(rows)))
        self._silent.add_by_skill(self._silent.log_odds(part, whole), log_odds)
        self._silent.add_by_skill(self._silent.share * whole, n)
        return log_odds.T, n.T


def _silent(skill_set: SkillSet, artifact: Artifact, indicators: Indicators) -> Iterator[WeightedIndicator]:
    """The indicators that may add to no score."""
    speak = {name: {each.name for each in some} for name, some in speaking(skill_set, artifact).items()}
    names = skill_set.names
    weight_of_all = [sum(abs(each.weight) for each in skill.indicators) or 1.0 for skill in skill_set.skills.values()]
    for index, (column, each) in enumerate(zip(indicators.skill.tolist(), indicators.indicators, strict=True)):
        if each.weight and each.name not in speak[names[column]]:
            yield WeightedIndicator(index, column, each, abs(each.weight) / weight_of_all[column])

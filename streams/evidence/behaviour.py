"""Behaviour: shrunken rates of what a student does.

A skill's log-odds are the weighted sum of how far its indicators' rates lie from their priors
(`streams.evidence.weighted_indicators`), so a student of whom nothing is known sits at 0.5 with no evidence. Rubric
ratings are one more rate; their number adds to n, so that no rating makes it less.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from streams.evidence.artifacts import NO_ARTIFACT, Artifact
from streams.evidence.features import facts_read
from streams.evidence.indicators import Indicators, Rates
from streams.evidence.platforms import speaking
from streams.evidence.source import Estimate, SourceType, status_where
from streams.evidence.training_scope import training_scopes
from streams.evidence.weighted_indicators import WeightedIndicator, WeightedIndicators, log_odds_within_edges
from streams.rows.row_batch import Floats, RowBatch
from streams.skills.skill_set import SkillSet

RUBRIC_STRENGTH: Final = 1.0
RUBRIC_WEIGHT: Final = 1.5
_MAX_LOG_ODDS: Final = 20.0  # a probability is never 0 or 1, however much is weighted


@dataclass(frozen=True, slots=True)
class BehaviourEstimate(Estimate):
    """An estimate, and the decayed sums that it was made from: whoever shows them need not add up again."""

    recent: Rates


def recent_rates(indicators: Indicators, rows: RowBatch, estimates: Mapping[str, Estimate]) -> Rates:
    """Decayed sums: those that behaviour was estimated by, or, where that failed, the same once more."""
    estimate = estimates.get(BehaviourSource.name)
    return estimate.recent if isinstance(estimate, BehaviourEstimate) else indicators.recent(rows)


class BehaviourSource:
    """The `behaviour` source of a skill set."""

    name = "behaviour"

    def __init__(self, skill_set: SkillSet, artifact: Artifact = NO_ARTIFACT) -> None:
        """The artifact is the one in use beside this source."""
        scopes = training_scopes(skill_set, artifact)
        self._indicators = Indicators.of(skill_set)
        weighted = list(_weighted(self._indicators, skill_set, artifact))
        self._rates = WeightedIndicators(weighted, len(skill_set.names))
        self._read_by_model = np.array([_is_read(each, skill_set, artifact) for each in weighted], np.bool_)[:, None]
        self._scopes = [(column, scopes[name]) for column, name in enumerate(skill_set.names) if name in scopes]
        facts = _facts_by_column(weighted, self._indicators)
        self._with_facts = np.array(list(facts), np.intp)
        self._facts = np.array([fact for some in facts.values() for fact in some], np.intp)
        self._first_facts = np.cumsum([0, *map(len, facts.values())])[:-1]

    def compute(self, row_batch: RowBatch, /) -> BehaviourEstimate:
        """See ComputedSource; pure. Of a student whom a trained skill's scope excludes no indicator speaks: how they
        weigh was fitted to others. Sums have shape (skills, rows) on the way.
        """
        recent = self._indicators.recent(row_batch)
        counted = np.ones((len(row_batch.names), 1)) * row_batch.decay
        log_odds, n = _rubric(row_batch, counted)
        for column, scope in self._scopes:
            counted[column, scope.excludes(row_batch)] = 0.0
        part, whole = self._rates.of(recent, counted[self._rates.columns])
        self._rates.add_by_skill(self._rates.log_odds(part, whole), log_odds)
        events = self._rates.share * whole
        self._rates.add_by_skill(events, n)
        shared = np.zeros_like(n)
        self._rates.add_by_skill(events * self._read_by_model, shared)
        age_s = row_batch.headers["as_of_us"] / 1e6 - self._newest_s(row_batch, counted)
        known = n > 0
        bounded = np.minimum(np.maximum(log_odds, -_MAX_LOG_ODDS), _MAX_LOG_ODDS)
        shown = known.T
        return BehaviourEstimate(
            p=np.where(shown, (1 / (1 + np.exp(-bounded))).T, np.nan),
            n=np.where(shown, n.T, 0.0),
            age_s=np.where(shown, np.maximum(age_s, 0).T, 0.0),
            status=status_where(shown),
            shared=np.minimum(np.divide(shared, n, out=np.zeros_like(n), where=known), 1.0).T.copy(),
            out_of_range=np.zeros(shown.shape, np.bool_),
            recent=recent,
        )

    def _newest_s(self, row_batch: RowBatch, counted: Floats) -> Floats:
        """When anything was last seen that counts for each skill; shape (skills, rows)."""
        newest_s = row_batch.skill_states["rubric_newest_s"].T.astype(np.float64)
        if len(self._facts):
            of_facts = np.maximum.reduceat(row_batch.facts["newest_s"].T[self._facts], self._first_facts, axis=0)
            counts = counted[self._with_facts] > 0
            newest_s[self._with_facts] = np.maximum(newest_s[self._with_facts], of_facts * counts)
        return newest_s


def _weighted(indicators: Indicators, skill_set: SkillSet, artifact: Artifact) -> Iterator[WeightedIndicator]:
    """The indicators that speak, by their names, and have a weight: as they were fitted."""
    for column, speak in enumerate(speaking(skill_set, artifact).values()):
        by_name = {indicator.name: indicator for indicator in speak}
        total = sum(abs(indicator.weight) for indicator in speak) or 1.0
        for index in np.flatnonzero(indicators.skill == column).tolist():
            indicator = by_name.get(indicators.indicators[index].name)
            if indicator is not None and indicator.weight:
                yield WeightedIndicator(index, column, indicator, abs(indicator.weight) / total)


def _is_read(weighted: WeightedIndicator, skill_set: SkillSet, artifact: Artifact) -> bool:
    """Whether the skill's model reads any fact of an indicator's numerator, too."""
    card = artifact.card.skills.get(skill_set.names[weighted.column])
    read = {fact.key for fact in facts_read(card.features if card else ())}
    return not read.isdisjoint(text.partition(".")[0] for text in weighted.indicator.numerator)


def _facts_by_column(weighted: Collection[WeightedIndicator], indicators: Indicators) -> dict[int, list[int]]:
    """The facts that the indicators of each skill count, of skills that have such."""
    facts: dict[int, set[int]] = {}
    for each in weighted:
        terms = indicators.numerators[each.index] + indicators.denominators[each.index]
        facts.setdefault(each.column, set()).update(fact for fact, _ in terms)
    return {column: sorted(some) for column, some in facts.items()}


def _rubric(row_batch: RowBatch, decay: Floats) -> tuple[Floats, Floats]:
    """Log-odds and number of the teachers' ratings; each of shape (skills, rows), as `decay`."""
    n = row_batch.skill_states["rubric_n"].T * decay
    if not n.any():
        return np.zeros_like(n), n
    rate = (row_batch.skill_states["rubric_total"].T * decay + RUBRIC_STRENGTH * 0.5) / (n + RUBRIC_STRENGTH)
    return np.where(n > 0, RUBRIC_WEIGHT * log_odds_within_edges(rate), 0.0), n


BEHAVIOUR: Final = SourceType(
    name=BehaviourSource.name,
    make=BehaviourSource,
    overlaps=("model",),
    kappas=(0.0, 2.0, 8.0),
)

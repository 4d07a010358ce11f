"""Fusion: the sources' opinions as one score, interval and confidence a skill.

A log-linear pool tempered by reliability:

    logit p = b_mask + Σ_k w_k · r_k · logit p_k        r_k = n_k/(n_k + κ) · 2^(−age_k/h)

Not a weighted average: a weighted average of calibrated, distinct forecasts is necessarily uncalibrated (Ranjan and
Gneiting, JRSS B 72, 2010). The interval's width falls with the evidence of all present sources together,

    N = Σ_k n_k · 2^(−age_k/h),  one event told by two sources counted once,      width = prior · sqrt(κ/(κ + N))

or comes from the artifact's conformal table; either way a source lost, aged or failed can only lower N, so the
confidence 1 − width/prior can only fall.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact, ConformalTable
from streams.evidence.source import Opinion, Status
from streams.skills.skill_set import SOURCES, SkillSet

PRIOR_WIDTH: Final = 0.9
MAX_LOG_ODDS: Final = 12.0  # a score is never 0 or 1, even when rounded to be published
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fused:
    """Arrays of shape (students, skills), and `log_odds` a source: what it added to logit p. NaN: nothing known.

    `carries` says of each source where it is present with a weight: what the score there rests on.
    """

    score: Array
    low: Array
    high: Array
    confidence: Array
    log_odds: Mapping[str, Array]
    carries: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """What the sources said of a block, a source's name to its opinion, and what that comes to."""

    opinions: Mapping[str, Opinion]
    fused: Fused

    @cached_property
    def failed(self) -> Mapping[str, NDArray[np.bool_]]:
        """Of each source that failed, by name and in their order, for which lines."""
        failed = {name: np.any(self.opinions[name].status == Status.FAILED, axis=1) for name in sorted(self.opinions)}
        return {name: lines for name, lines in failed.items() if lines.any()}

    @property
    def degraded(self) -> int:
        """Of how many lines a source failed."""
        return int(np.count_nonzero(np.any(list(self.failed.values()), axis=0)))


class Fusion:
    """The fusion of one skill set with one artifact."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact) -> None:
        self._kappa = skill_set.fusion.kappa
        self._half_life_s = skill_set.fusion.half_life_days * 86_400
        cards = [artifact.card.skills.get(name) for name in skill_set.names]
        fits = [card.fusion if card else None for card in cards]
        self._weights = {
            source: np.array(
                [
                    fit.weights.get(source, 0.0) if fit else skill.weights.get(source, 0.0)
                    for fit, skill in zip(fits, skill_set.skills.values(), strict=True)
                ]
            )
            for source in SOURCES
        }
        self._intercepts = [fit.intercepts if fit else {} for fit in fits]
        self._kappas = {
            source: np.array([fit.kappa.get(source, self._kappa) if fit else self._kappa for fit in fits])
            for source in SOURCES
        }
        self._tables = [card.intervals if card else None for card in cards]

    def fuse(self, opinions: Mapping[str, Opinion]) -> Fused:
        """Fuse one batch. Pure; a (student, skill) without any present source is NaN throughout."""
        reliability = {name: self.reliability(name, opinion) for name, opinion in opinions.items()}
        weights = {name: self._weight(name, opinions) for name in opinions}
        log_odds = {name: weights[name] * reliability[name] * _logit(opinion.p) for name, opinion in opinions.items()}
        carries = {name: (weights[name] != 0) & (opinion.n > 0) for name, opinion in opinions.items()}
        total = np.sum(list(log_odds.values()), axis=0) + self._intercept(opinions)
        present = np.any([opinion.n > 0 for opinion in opinions.values()], axis=0)
        certain = np.clip(total, -MAX_LOG_ODDS, MAX_LOG_ODDS)
        score = np.where(present, 1 / (1 + np.exp(-certain)), np.nan)
        width = np.where(present, self._widths(opinions), np.nan)
        low = np.clip(score - width / 2, 0, 1 - width)
        return Fused(score, low, low + width, 1 - width / PRIOR_WIDTH, log_odds, carries)

    def reliability(self, source: str, opinion: Opinion) -> Array:
        """r_k, in [0, 1]; 0 where the source is absent."""
        kappa = self._kappas.get(source, np.full(opinion.n.shape[1], self._kappa))
        present = opinion.n > 0
        return np.where(present, opinion.n / np.where(present, opinion.n + kappa, 1.0), 0.0) * self._freshness(opinion)

    def evidence(self, opinions: Mapping[str, Opinion]) -> Array:
        """N: how many events all present sources rest on, fresh ones counted in full; monotone in what is present."""
        n = {name: opinion.n * self._freshness(opinion) for name, opinion in opinions.items()}
        zero = np.zeros_like(next(iter(n.values())))
        model = n.pop("model", zero)
        alone: Array = sum(n.values(), zero)
        beside_model: Array = sum(((1 - opinions[name].shared) * n[name] for name in n), zero)
        return np.asarray(np.maximum(model + beside_model, alone))

    def _weight(self, source: str, opinions: Mapping[str, Opinion]) -> Array:
        """w_k; what rests on facts that a present model reads too counts for the part that does not."""
        weight = np.broadcast_to(self._weights.get(source, 1.0), opinions[source].p.shape)
        if source == "model" or "model" not in opinions:
            return weight
        return np.where(opinions["model"].n > 0, weight * (1 - opinions[source].shared), weight)

    def _freshness(self, opinion: Opinion) -> Array:
        return np.asarray(2.0 ** (-opinion.age_s / self._half_life_s))

    def _intercept(self, opinions: Mapping[str, Opinion]) -> Array:
        present = {name: opinion.n > 0 for name, opinion in opinions.items()}
        intercept = np.zeros_like(next(iter(opinions.values())).p)
        for column, by_mask in enumerate(self._intercepts):
            for mask, value in by_mask.items():
                named = mask.split("+")
                exact = np.all([there[:, column] == (name in named) for name, there in present.items()], axis=0)
                intercept[exact, column] = value
        return intercept

    def _widths(self, opinions: Mapping[str, Opinion]) -> Array:
        n = self.evidence(opinions)
        widths = PRIOR_WIDTH * np.sqrt(self._kappa / (self._kappa + n))
        for column, table in enumerate(self._tables):
            if table is not None:
                widths[:, column] = _from_table(table, n[:, column])
        return np.asarray(widths)


def masks(sources: Sequence[str] = SOURCES) -> list[str]:
    """Every non-empty set of sources, named as in `FusionFit.intercepts`."""
    return ["+".join(some) for size in range(1, len(sources) + 1) for some in combinations(sources, size)]


def _from_table(table: ConformalTable, n: Array) -> Array:
    half_widths = np.array(table.half_widths)[np.searchsorted(table.edges, n, side="right")]
    return np.asarray(np.minimum(2 * half_widths, PRIOR_WIDTH))


def _logit(p: Array) -> Array:
    """Log-odds, 0 where p is NaN: an absent source adds nothing."""
    known = np.where(np.isnan(p), 0.5, p)
    return np.asarray(np.log(known / (1 - known)))

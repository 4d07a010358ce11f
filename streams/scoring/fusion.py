"""Fusion: the sources' estimates as one score, interval and confidence a skill.

A log-linear pool tempered by reliability:

    logit p = b_mask + Σ_k w_k · r_k · logit p_k        r_k = n_k/(n_k + κ) · 2^(−age_k/h)

Not a weighted average: a weighted average of calibrated, distinct forecasts is necessarily uncalibrated (Ranjan and
Gneiting, JRSS B 72, 2010). The interval's width falls with the evidence of all present sources together,

    N = Σ_k n_k · 2^(−age_k/h),  an event that two sources count counted once,    width = prior · sqrt(κ/(κ + N))

or comes from the artifact's conformal table, as does its prior; either way a source lost, aged or failed can only lower
N, so the confidence 1 − width/prior can only fall. A continuous outcome has a table by N, by the set of sources, and by
what these say (`OutcomeIntervals`), which holds to the same.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, combinations
from typing import Final, TypeVar

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact, ConformalTable, FusionFit, narrowing
from streams.evidence.registry import Types
from streams.evidence.source import Estimate, EstimateStatus, RecordedEstimate
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats, RowBatch
from streams.rows.weeks import NO_WEEKS, NotedWeeks
from streams.scoring.kinds import fitted_sources
from streams.skills.skill_set import Skill, SkillSet

PRIOR_WIDTH: Final = 0.9
NOTHING_NOTED: Final = -1.0
MAX_LOG_ODDS: Final = 12.0  # a score is never 0 or 1, even when rounded to be published
_FAILED: Final = np.int8(EstimateStatus.FAILED)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Fused:
    """Arrays of shape (students, skills), and `log_odds` a source: what it added to logit p. NaN: nothing known.

    `carries` says of each source where it is present with a weight: what the score there rests on. `fitted` is where a
    source that learnt from labels of that skill is present, with a weight or a fit that chose another source beside
    it: elsewhere the number rests on weights chosen by hand, and is no score (`streams.scoring.kinds`).
    """

    score: Floats
    low: Floats
    high: Floats
    confidence: Floats
    log_odds: Mapping[str, Floats]
    carries: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    fitted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """Rows that hold their scores, and what these were made of: each source's estimate by its name, and the fused.

    `failed` has of each source that failed, by name and in their order, for which rows. `weeks` are the scores as the
    rows have them for the week under way (`streams.scoring.weekly`).
    """

    rows: RowBatch
    estimates: Mapping[str, Estimate]
    fused: Fused
    failed: Mapping[str, NDArray[np.bool_]]
    weeks: NotedWeeks = NO_WEEKS

    @classmethod
    def of(cls, rows: RowBatch, estimates: Mapping[str, Estimate], fused: Fused) -> "ScoredBatch":
        """Note the scores; `rows` stay as they are.

        A skill of which nothing is known has none, whatever it had before: a row must not depend on where batches were
        cut. Only where a source failed it keeps the one that it had.
        """
        known = ~np.isnan(fused.score)
        noted = {
            "score": np.where(known, fused.score, NOTHING_NOTED),
            "confidence": np.where(known, fused.confidence, 0),
        }
        if failed := failed_rows(estimates):
            stays = ~known & np.any(list(failed.values()), axis=0)[:, None]
            noted = {name: np.where(stays, rows.skill_states[name], values) for name, values in noted.items()}
        return cls(rows.with_scores(**noted), estimates, fused, failed)

    @property
    def degraded(self) -> int:
        """Of how many rows a source failed."""
        return int(np.count_nonzero(np.any(list(self.failed.values()), axis=0)))


@dataclass(frozen=True, slots=True)
class _Stack:
    """Estimates one upon the other: arrays of shape (sources, students, skills), `there` where a source is present.

    `sources` are their indices among all. `present` says which set of sources is present, as an index of
    `sets_by_bits`, `tables_at` where in tables of (skills, sets of sources) that is; shape (students, skills).
    """

    estimates: Mapping[str, Estimate]
    sources: Sequence[int]
    n: Floats
    there: NDArray[np.bool_]
    freshness: Floats
    present: Indices
    tables_at: Indices


class Fusion:
    """The fusion of one skill set with one artifact.

    A source that the artifact's fit does not know has its configured weight, and no part in the intercepts.
    """

    def __init__(self, skill_set: SkillSet, artifact: Artifact, types: Types) -> None:
        self._kappa = skill_set.fusion.kappa
        self._half_life_s = skill_set.fusion.half_life_days * 86_400
        cards = [artifact.card.skills.get(name) for name in skill_set.names]
        fits = [card.fusion if card else None for card in cards]
        names = [each.name for each in types]
        self._overlaps = {each.name: frozenset(each.overlaps) for each in types}
        self._shares = {each.name: each.share for each in types}
        self._overlapped = [name for name in names if any(name in each.overlaps for each in types)]
        self._index = {name: index for index, name in enumerate(names)}
        sets = sets_by_bits(names)
        self._first = np.arange(len(fits)) * len(sets)  # of each skill, in tables of (skills, sets of sources)
        skills = list(zip(skill_set.skills.values(), fits, strict=True))
        weights = [[_weights(source, skill, fit, sets) for skill, fit in skills] for source in names]
        self._weights = np.array(weights).reshape(len(names), -1)
        self._intercepts = np.array([_by_set(fit.intercepts if fit else {}, sets, 0.0) for fit in fits])
        self._kappas = np.array(
            [[fit.kappa.get(source, self._kappa) if fit else self._kappa for fit in fits] for source in names]
        )
        self._tables = [card.intervals if card else None for card in cards]
        self._outcome_tables = [card.outcome_intervals if card else None for card in cards]
        self._outcome_masks = np.array(
            [
                _by_set({mask: number for number, mask in enumerate(table.ends if table else ())}, sets, -1)
                for table in self._outcome_tables
            ]
        )
        self._fitted = fitted_sources(skill_set, types)
        self._is_chosen = {name: np.array([bool(fit and fit.chose(name)) for fit in fits]) for name in names}
        self._widths_of_nothing = np.array([_width_of_nothing(table) for table in self._tables])

    def fuse(self, estimates: Mapping[str, Estimate]) -> Fused:
        """Fuse one batch. Pure; a (student, skill) without any present source is NaN throughout."""
        stack = self._stack(estimates)
        weights = self._weigh(stack)
        log_odds = weights * self._reliability(stack) * log_odds_of(np.array([each.p for each in estimates.values()]))
        for at, estimate in enumerate(estimates.values()):
            if isinstance(estimate, RecordedEstimate):
                log_odds[at] = estimate.log_odds
        carries = (weights != 0) & stack.there
        total = log_odds.sum(axis=0) + self._intercepts.take(stack.tables_at)
        known = stack.present > 0
        evidence = self._most_evidence(stack)
        score = np.where(known, _probability(total), np.nan)
        width = np.where(known, self._widths(evidence, estimates), np.nan)
        low = np.minimum(np.maximum(score - width / 2, 0), 1 - width)
        confidence = np.maximum(1 - width / self._widths_of_nothing, 0.0)
        fitted = np.zeros(score.shape, np.bool_)
        for at, name in enumerate(stack.estimates):
            if name in self._fitted:
                fitted |= self._fitted[name] & (self._is_chosen[name] | carries[at]) & stack.there[at]
        log_odds_by_name, carries_by_name = (dict(zip(estimates, each, strict=True)) for each in (log_odds, carries))
        fused = Fused(score, low, low + width, confidence, log_odds_by_name, carries_by_name, fitted)
        if any(self._outcome_tables):
            self._look_up_outcomes(fused, estimates, evidence, stack.present)
        return fused

    def said(self, estimates: Mapping[str, Estimate]) -> Floats:
        """The score that the present sources would give if each were as reliable as can be: it does not move when they
        age or lose evidence.
        """
        stack = self._stack(estimates)
        log_odds = log_odds_of(np.array([each.p for each in estimates.values()]))
        return _probability((self._weigh(stack) * log_odds).sum(axis=0) + self._intercepts.take(stack.tables_at))

    def evidence(self, estimates: Mapping[str, Estimate]) -> Floats:
        """N: how many events all present sources rest on, fresh ones counted in full; monotone in what is present.

        What overlaps is counted once: with a choice of the sources that others overlap, those others count only for
        what they do not share with a chosen one, and what was not chosen not at all; N is the most of all choices.
        """
        return self._most_evidence(self._stack(estimates))

    def _look_up_outcomes(
        self, fused: Fused, estimates: Mapping[str, Estimate], evidence_of_all: Floats, present: Indices
    ) -> None:
        """Set ends and confidence of the skills that have intervals of their outcome; a set of sources that the table
        does not have knows nothing.
        """
        for column, table in enumerate(self._outcome_tables):
            if table is None:
                continue
            known = ~np.isnan(fused.score[:, column])
            fused.low[known, column], fused.high[known, column], fused.confidence[known, column] = 0.0, 1.0, 0.0
            evidence = evidence_of_all[:, column]
            said = self.said({name: estimates[name] for name in table.sources if name in estimates})[:, column]
            masks_of_rows = self._outcome_masks[column, present[:, column]]
            for number, mask in enumerate(table.ends):
                rows = masks_of_rows == number
                below, above = table.look_up(mask, evidence[rows], said[rows])
                score = fused.score[rows, column]
                fused.low[rows, column] = np.clip(score + below, 0, 1)
                fused.high[rows, column] = np.clip(score + above, 0, 1)
                fused.confidence[rows, column] = 1 - np.minimum((above - below) / table.prior_width, 1)

    def _stack(self, estimates: Mapping[str, Estimate]) -> _Stack:
        sources = [self._index[name] for name in estimates]
        n, age_s = (np.array([getattr(each, name) for each in estimates.values()]) for name in ("n", "age_s"))
        there = n > 0
        present = (there << np.array(sources, np.intp)[:, None, None]).sum(axis=0)
        freshness = 2.0 ** (-age_s / self._half_life_s)
        return _Stack(estimates, sources, n, there, freshness, present, self._first + present)

    def _reliability(self, stack: _Stack) -> Floats:
        """r_k, in [0, 1]; 0 where the source is absent."""
        kappas = self._kappas[stack.sources][:, None, :]
        return np.asarray(stack.n / np.where(stack.there, stack.n + kappas, 1.0) * stack.freshness)

    def _most_evidence(self, stack: _Stack) -> Floats:
        fresh = stack.n * stack.freshness
        choices = subsets([name for name in self._overlapped if name in stack.estimates])
        return np.asarray(np.maximum.reduce([self._counted(fresh, stack, chosen) for chosen in choices]))

    def _counted(self, fresh: Floats, stack: _Stack, chosen: Collection[str]) -> Floats:
        """What `chosen` sources that others overlap, and all that none overlaps, count for together."""

        def unshared(at: int, name: str) -> Floats:
            is_double = not self._overlaps[name].isdisjoint(chosen)
            part = self._unshared(name, stack.estimates[name]) if is_double else 1.0
            return np.asarray(part * fresh[at])

        of_chosen, beside = [], []
        for at, name in enumerate(stack.estimates):
            if name in chosen:
                of_chosen.append(unshared(at, name))
            elif name not in self._overlapped:
                beside.append(unshared(at, name))
        zero = np.zeros(fresh.shape[1:])
        return np.asarray(sum(of_chosen, zero) + sum(beside, zero))

    def _weigh(self, stack: _Stack) -> Floats:
        """w_k; a source that overlaps a present one counts for the part that it does not share."""
        weights = self._weights[stack.sources].take(stack.tables_at, axis=1)
        for at, name in enumerate(stack.estimates):
            beside = [stack.there[other] for other, of in enumerate(stack.estimates) if of in self._overlaps[name]]
            if beside:
                unshared = self._unshared(name, stack.estimates[name])
                weights[at] = np.where(reduce(np.logical_or, beside), weights[at] * unshared, weights[at])
        return weights

    def _unshared(self, source: str, estimate: Estimate) -> Floats | float:
        """The part of n that no overlapping source counts: of all alike, where the source's type declares a share."""
        share = self._shares[source]
        return 1 - (estimate.shared if share is None else share)

    def _widths(self, n: Floats, estimates: Mapping[str, Estimate]) -> Floats:
        widths = PRIOR_WIDTH * np.sqrt(self._kappa / (self._kappa + n))
        for column, table in enumerate(self._tables):
            if table is not None:
                scale: Floats | float = 1.0
                if table.scaled_by is not UNSET and table.scaled_by in estimates:
                    scale = narrowing(estimates[table.scaled_by].p[:, column])
                widths[:, column] = _from_table(table, n[:, column]) * scale
        return np.asarray(widths)


def failed_rows(estimates: Mapping[str, Estimate]) -> dict[str, NDArray[np.bool_]]:
    """Of each source that failed, by name and in their order, for which rows; shape (rows,)."""
    failed = {name: estimates[name].status == _FAILED for name in sorted(estimates)}
    return {name: of_source.any(axis=1) for name, of_source in failed.items() if np.count_nonzero(of_source)}


def masks(sources: Sequence[str]) -> list[str]:
    """Every non-empty set of sources, named as in `FusionFit.intercepts`."""
    return ["+".join(some) for some in subsets(sources) if some]


def subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All of them, the smaller first."""
    return chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))


def sets_by_bits(names: Sequence[str]) -> list[list[str]]:
    """All of them; bit k of a set's index says whether it has the k-th name."""
    return [[name for bit, name in enumerate(names) if index >> bit & 1] for index in range(2 ** len(names))]


def _weights(source: str, skill: Skill, fit: FusionFit | None, sets: Sequence[Sequence[str]]) -> list[float]:
    """The weight of a source of one skill where each set of sources is present."""
    overall = (fit.weights if fit and source in fit.weights else skill.weights).get(source, 0.0)
    return [weights.get(source, overall) for weights in _by_set(fit.mask_weights if fit else {}, sets, {})]


def _by_set(by_mask: Mapping[str, _T], sets: Sequence[Sequence[str]], otherwise: _T) -> list[_T]:
    """What there is by mask of each set of present sources, of those sources that any mask names."""
    fitted = {frozenset(mask.split("+")): value for mask, value in by_mask.items()}
    named: frozenset[str] = frozenset().union(*fitted)
    return [fitted.get(named.intersection(some), otherwise) for some in sets]


def _width_of_nothing(table: ConformalTable | None) -> float:
    if table is None or table.width_of_nothing is UNSET:
        return PRIOR_WIDTH
    return table.width_of_nothing


def _from_table(table: ConformalTable, n: Floats) -> Floats:
    half_widths = np.array(table.half_widths)[np.searchsorted(table.edges, n, side="right")]
    return np.asarray(np.minimum(2 * half_widths, PRIOR_WIDTH))


def _probability(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.minimum(np.maximum(log_odds, -MAX_LOG_ODDS), MAX_LOG_ODDS))))


def log_odds_of(p: Floats) -> Floats:
    """Log-odds, 0 where p is NaN: an absent source adds nothing."""
    known = np.where(np.isnan(p), 0.5, p)
    return np.asarray(np.log(known / (1 - known)))

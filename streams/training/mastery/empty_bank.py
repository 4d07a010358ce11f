"""Fitting a bank that knows no item and no component: it leaves them to norms (`streams.mastery.learnt`).

What is fitted is how much the counts of answers say, and how much easiness counts for as norms had it at the time.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.mastery.bank import BANK_VERSION, AnswerModel, ItemBank, rounded
from streams.mastery.learnt import LearntEasiness
from streams.rows.components import component_code
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.training.errors import TrainingError
from streams.training.mastery.answers import NO_KNOWN_ITEM, AnswerHistory
from streams.training.mastery.bank_fit import NO_INTERVALS, NO_OUTLOOK
from streams.training.mastery.crossfit import (
    COMMON,
    FAILS,
    PENALTY_OF_COMMON,
    WINS,
    FittedBank,
    common_coefficients,
    common_columns,
    fit_by_folds,
)
from streams.training.mastery.regression import Columns, sigmoid
from streams.training.norm_timeline import NormTimeline

_LEARNT: Final = ("learnt_components", "learnt_items")


def fit_empty_bank(answers: AnswerHistory, norms: NormTimeline, fold_of: Indices, folds: int) -> FittedBank:
    """Fit both regressions; `fold_of` is the fold of each of the students. Deterministic.

    Raises TrainingError where no answer is to an item that had a norm.
    """
    learnt, fold = _Easiness.of(answers, norms), fold_of[answers.student]
    known = learnt.known
    if not known.any():
        raise TrainingError("no answer is to an item that ten students had answered in a period before")
    without = fit_by_folds(
        _without_item(answers, learnt),
        answers.outcome[answers.owner],
        answers.share,
        fold[answers.owner],
        folds,
        _of_right_sign,
    )
    outcome = answers.outcome[known]
    with_item = fit_by_folds(
        _with_item(answers, learnt), outcome, np.ones(len(outcome)), fold[known], folds, _of_right_sign
    )
    log_odds = np.asarray(np.bincount(answers.owner, without.log_odds * answers.share, len(answers)), np.float64)
    log_odds[known] = with_item.log_odds
    bank = ItemBank(
        version=BANK_VERSION,
        items={},
        with_item=_model(with_item.final),
        without_item=_model(without.final),
        outlook=NO_OUTLOOK,
        component_intervals=NO_INTERVALS,
    )
    return FittedBank(bank, sigmoid(log_odds), sigmoid(without.log_odds), list(map(_model, without.unseen)))


@dataclass(frozen=True, slots=True)
class _Easiness:
    """As norms had it when each answer was given: `of_uses` that of each component, `of_components` the mean of an
    answer's, `of_items` that of its item where that is `known`.
    """

    of_uses: Floats
    of_components: Floats
    of_items: Floats
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, answers: AnswerHistory, norms: NormTimeline) -> "_Easiness":
        """By the norms of each period; 0 before the first."""
        codes = np.array([component_code(name.encode()) for name in answers.components], np.int64)
        of_uses, number = np.zeros(len(answers.owner)), len(answers)
        of_components, of_items, known = np.zeros(number), np.zeros(number), np.zeros(number, np.bool_)
        for view, chosen in norms.at(answers.times_us):
            if view is None:
                continue
            learnt = LearntEasiness(view)
            here = np.zeros(number, np.bool_)
            here[chosen] = True
            uses = np.flatnonzero(here[answers.owner])
            of_uses[uses] = learnt.components(codes).easiness[answers.component[uses]]
            averaged = np.bincount(answers.owner[uses], of_uses[uses] * answers.share[uses], number)
            of_components[chosen] = averaged[chosen]
            items = [answers.items[each] if each != NO_KNOWN_ITEM else None for each in answers.item[chosen].tolist()]
            found = learnt.items(items, of_components[chosen])
            of_items[chosen], known[chosen] = found.easiness, found.answers > 0
        return cls(of_uses, of_components, of_items, known)


def _without_item(answers: AnswerHistory, learnt: _Easiness) -> Columns:
    """A row a use of a component."""
    uses = np.arange(len(answers.owner))
    common = common_columns(answers, uses, np.ones(len(uses)), answers.owner)
    return Columns.beside(common, Columns.dense(PENALTY_OF_COMMON, learnt.of_uses))


def _with_item(answers: AnswerHistory, learnt: _Easiness) -> Columns:
    """A row an answer to an item that had a norm."""
    those = answers.of(learnt.known)
    common = common_columns(those, those.owner, those.share, np.arange(len(those)))
    easiness = learnt.of_components[learnt.known], learnt.of_items[learnt.known]
    return Columns.beside(common, Columns.dense(PENALTY_OF_COMMON, *easiness))


def _of_right_sign(coefficients: Floats) -> Floats:
    """The same, but that no right answer, and nothing that is easy, lowers what is predicted, and no wrong one raises
    it.
    """
    signed = coefficients.copy()
    signed[WINS] = max(signed[WINS], 0.0)
    signed[FAILS] = min(signed[FAILS], 0.0)
    signed[len(COMMON) :] = np.maximum(signed[len(COMMON) :], 0.0)
    return signed


def _model(coefficients: Floats) -> AnswerModel:
    learnt = dict(zip(_LEARNT, map(rounded, coefficients[len(COMMON) :].tolist()), strict=False))
    return AnswerModel(**common_coefficients(coefficients), components={}, **learnt)

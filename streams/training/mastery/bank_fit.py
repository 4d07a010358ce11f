"""Fitting an item bank to answers (`streams.mastery.model` has the formula).

The regression with items is one of answers; the one without is one of their components, an answer counting once: so it
is the probability of a component that is calibrated, which is served beside the score.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.mastery.bank import BANK_VERSION, AnswerModel, ComponentEffect, HalfWidths, ItemBank, OutlookModel, rounded
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.training.mastery.answers import NO_KNOWN_ITEM, AnswerHistory
from streams.training.mastery.regression import Columns, fit_logistic, recalibration, sigmoid

PENALTY_OF_ITEMS: Final = 2.0
PENALTY_OF_COMPONENTS: Final = 1.0
PENALTY_OF_SLOPES: Final = 3.0
"""How many answers, roughly, it takes to move an item, a component or its slopes half of the way from the usual."""
_PENALTY_OF_COMMON: Final = 1.0
_PENALTY_OF_INTERCEPT: Final = 1e-3
NO_OUTLOOK: Final = OutlookModel(intercept=0, share=0, level=0, seen=0, seen_share=0, seen_level=0)
NO_INTERVALS: Final = HalfWidths(edges=(), half_widths=(1.0,))
_COMMON: Final = 6
_WINS: Final = 1
_FAILS: Final = 2
"""Where these are among the coefficients in common."""


@dataclass(frozen=True, slots=True)
class FittedBank:
    """A bank, still without an outlook, and what was learnt without each fold.

    `p` is that of each answer by a bank that never saw its student; `p_of_uses` that of each use of a component,
    whatever the item; `unseen` are the regressions without items that were fitted without each of the folds.
    """

    bank: ItemBank
    p: Floats
    p_of_uses: Floats
    unseen: list[AnswerModel]


@dataclass(frozen=True, slots=True)
class _Crossfitted:
    """Coefficients fitted to all rows, those fitted without each fold, and with these each row's log-odds.

    All of them recalibrated on the students that were held out (Platt scaling).
    """

    final: Floats
    unseen: list[Floats]
    log_odds: Floats


def fit_bank(answers: AnswerHistory, fold_of: Indices, folds: int) -> FittedBank:
    """Fit both regressions; `fold_of` is the fold of each of the students. Deterministic."""
    fold, width = fold_of[answers.student], len(answers.components)
    without = _crossfitted(
        _without_item(answers), answers.outcome[answers.owner], answers.share, fold[answers.owner], folds, width
    )
    models = [_model(answers, coefficients) for coefficients in (without.final, *without.unseen)]
    log_odds: Floats = np.asarray(
        np.bincount(answers.owner, without.log_odds * answers.share, len(answers)), np.float64
    )
    with_item, items = models[0], dict[str, float]()
    known = answers.item != NO_KNOWN_ITEM
    if known.any():
        those = answers.of(known)
        fitted = _crossfitted(_with_item(those), those.outcome, np.ones(len(those)), fold[known], folds, width)
        elsewhere = _is_seen_elsewhere(those.item, fold[known], folds)
        log_odds[known] = np.where(elsewhere, fitted.log_odds, log_odds[known])
        with_item = _model(answers, fitted.final)
        easiness = fitted.final[-len(answers.items) :].tolist()
        items = {name: rounded(each) for name, each in zip(answers.items, easiness, strict=True)}
    bank = ItemBank(
        version=BANK_VERSION,
        items=items,
        with_item=with_item,
        without_item=models[0],
        outlook=NO_OUTLOOK,
        component_intervals=NO_INTERVALS,
    )
    return FittedBank(bank, sigmoid(log_odds), sigmoid(without.log_odds), models[1:])


def _without_item(answers: AnswerHistory) -> Columns:
    """A row a use of a component."""
    uses = np.arange(len(answers.owner))
    return _design(answers, uses, np.ones(len(uses)), answers.owner)


def _with_item(answers: AnswerHistory) -> Columns:
    """A row an answer, all of which have an item."""
    every = np.arange(len(answers))
    items = Columns.one_hot(len(every), len(answers.items), PENALTY_OF_ITEMS, every, answers.item, np.ones(len(every)))
    return Columns.beside(_design(answers, answers.owner, answers.share, every), items)


def _design(answers: AnswerHistory, row: Indices, share: Floats, answer: Indices) -> Columns:
    """What both have, in the order of `_model`: use i counts for `share[i]` in row `row[i]`, which is of the answer
    `answer[row[i]]`.
    """
    rows, width = len(answer), len(answers.components)
    wins, fails = np.log1p(answers.wins), np.log1p(answers.fails)
    untouched = np.asarray(answers.wins + answers.fails == 0, np.float64)
    averaged = [np.asarray(np.bincount(row, each * share, rows), np.float64) for each in (wins, fails, untouched)]
    totals = [np.log1p(each[answer]) for each in (answers.all_wins, answers.all_fails)]
    of_components = [
        Columns.one_hot(rows, width, penalty, row, answers.component, value * share)
        for penalty, value in (
            (PENALTY_OF_COMPONENTS, np.ones(len(row))),
            (PENALTY_OF_SLOPES, wins),
            (PENALTY_OF_SLOPES, fails),
        )
    ]
    return Columns.beside(
        Columns.dense(_PENALTY_OF_INTERCEPT, np.ones(rows)),
        Columns.dense(_PENALTY_OF_COMMON, *averaged, *totals),
        *of_components,
    )


def _crossfitted(
    columns: Columns, outcome: Floats, weight: Floats, fold: Indices, folds: int, components: int
) -> _Crossfitted:
    log_odds, unseen = np.zeros(len(outcome)), []
    for each in range(folds):
        inside, outside = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        fitted = fit_logistic(columns.of(inside), outcome[inside], weight[inside])
        unseen.append(_of_right_sign(fitted, components))
        log_odds[outside] = columns.of(outside).matrix @ unseen[-1]
    intercept, slope = recalibration(log_odds, outcome, weight)

    def recalibrated(coefficients: Floats) -> Floats:
        scaled = coefficients * slope
        scaled[0] += intercept
        return scaled

    final = _of_right_sign(fit_logistic(columns, outcome, weight), components)
    return _Crossfitted(recalibrated(final), list(map(recalibrated, unseen)), intercept + slope * log_odds)


def _of_right_sign(coefficients: Floats, components: int) -> Floats:
    """The same, but that more wins in a component never lower, and more fails never raise, what is predicted there.

    Of few components the data would have it otherwise: nobody could be told why.
    """
    signed = coefficients.copy()
    wins = slice(_COMMON + components, _COMMON + 2 * components)
    fails = slice(_COMMON + 2 * components, _COMMON + 3 * components)
    signed[wins] = np.maximum(signed[wins], -signed[_WINS])
    signed[fails] = np.minimum(signed[fails], -signed[_FAILS])
    return signed


def _model(answers: AnswerHistory, coefficients: Floats) -> AnswerModel:
    """Coefficients by their names; those of items are left out."""
    width = len(answers.components)
    intercept, wins, fails, untouched, all_wins, all_fails = map(rounded, coefficients[:_COMMON].tolist())
    each = coefficients[_COMMON : _COMMON + 3 * width].reshape(3, width).T.tolist()
    components = {name: ComponentEffect(*map(rounded, own)) for name, own in zip(answers.components, each, strict=True)}
    return AnswerModel(
        intercept=intercept,
        wins=wins,
        fails=fails,
        untouched=untouched,
        all_wins=all_wins,
        all_fails=all_fails,
        components=components,
    )


def _is_seen_elsewhere(item: Indices, fold: Indices, folds: int) -> NDArray[np.bool_]:
    """Whether answers of other folds have the answer's item, too."""
    in_fold = np.bincount(item * folds + fold, minlength=folds * (int(item.max()) + 1)).reshape(-1, folds)
    return np.asarray(in_fold.sum(axis=1)[item] > in_fold[item, fold])

"""Fitting an item bank to answers (`streams.mastery.model` has the formula).

The regression with items is one of answers; the one without is one of their components, an answer counting once: so it
is the probability of a component that is calibrated, which is served beside the score.
"""

from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.mastery.bank import BANK_VERSION, AnswerModel, ComponentEffect, HalfWidths, ItemBank, OutlookModel, rounded
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.training.mastery.answers import NO_KNOWN_ITEM, AnswerHistory
from streams.training.mastery.crossfit import (
    COMMON,
    FAILS,
    WINS,
    FittedBank,
    common_coefficients,
    common_columns,
    fit_by_folds,
)
from streams.training.mastery.regression import Columns, sigmoid

PENALTY_OF_ITEMS: Final = 2.0
PENALTY_OF_COMPONENTS: Final = 1.0
PENALTY_OF_SLOPES: Final = 3.0
"""How many answers, roughly, it takes to move an item, a component or its slopes half of the way from the usual."""
NO_OUTLOOK: Final = OutlookModel(intercept=0, share=0, level=0, seen=0, seen_share=0, seen_level=0)
NO_INTERVALS: Final = HalfWidths(edges=(), half_widths=(1.0,))


def fit_bank(answers: AnswerHistory, fold_of: Indices, folds: int) -> FittedBank:
    """Fit both regressions; `fold_of` is the fold of each of the students. Deterministic."""
    fold, signed = fold_of[answers.student], partial(_of_right_sign, components=len(answers.components))
    without = fit_by_folds(
        _without_item(answers), answers.outcome[answers.owner], answers.share, fold[answers.owner], folds, signed
    )
    models = [_model(answers, coefficients) for coefficients in (without.final, *without.unseen)]
    log_odds: Floats = np.asarray(
        np.bincount(answers.owner, without.log_odds * answers.share, len(answers)), np.float64
    )
    with_item, items = models[0], dict[str, float]()
    known = answers.item != NO_KNOWN_ITEM
    if known.any():
        those = answers.of(known)
        fitted = fit_by_folds(_with_item(those), those.outcome, np.ones(len(those)), fold[known], folds, signed)
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
    of_components = [
        Columns.one_hot(rows, width, penalty, row, answers.component, value * share)
        for penalty, value in (
            (PENALTY_OF_COMPONENTS, np.ones(len(row))),
            (PENALTY_OF_SLOPES, np.log1p(answers.wins)),
            (PENALTY_OF_SLOPES, np.log1p(answers.fails)),
        )
    ]
    return Columns.beside(common_columns(answers, row, share, answer), *of_components)


def _of_right_sign(coefficients: Floats, components: int) -> Floats:
    """The same, but that more wins in a component never lower, and more fails never raise, what is predicted there.

    Of few components the data would have it otherwise: nobody could be told why.
    """
    signed = coefficients.copy()
    wins, fails = (slice(len(COMMON) + at * components, len(COMMON) + (at + 1) * components) for at in (1, 2))
    signed[wins] = np.maximum(signed[wins], -signed[WINS])
    signed[fails] = np.minimum(signed[fails], -signed[FAILS])
    return signed


def _model(answers: AnswerHistory, coefficients: Floats) -> AnswerModel:
    """Coefficients by their names; those of items are left out."""
    width = len(answers.components)
    each = coefficients[len(COMMON) : len(COMMON) + 3 * width].reshape(3, width).T.tolist()
    components = {name: ComponentEffect(*map(rounded, own)) for name, own in zip(answers.components, each, strict=True)}
    return AnswerModel(**common_coefficients(coefficients), components=components)


def _is_seen_elsewhere(item: Indices, fold: Indices, folds: int) -> NDArray[np.bool_]:
    """Whether answers of other folds have the answer's item, too."""
    in_fold = np.bincount(item * folds + fold, minlength=folds * (int(item.max()) + 1)).reshape(-1, folds)
    return np.asarray(in_fold.sum(axis=1)[item] > in_fold[item, fold])

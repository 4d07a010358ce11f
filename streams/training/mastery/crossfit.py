"""Logistic regressions of answers, each fitted to all students and without each fold, and the columns that all have."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from streams.mastery.bank import AnswerModel, ItemBank, rounded
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.training.mastery.answers import AnswerHistory
from streams.training.mastery.regression import Columns, fit_logistic, recalibration

PENALTY_OF_COMMON: Final = 1.0
_PENALTY_OF_INTERCEPT: Final = 1e-3
COMMON: Final = ("intercept", "wins", "fails", "untouched", "all_wins", "all_fails")
"""The coefficients in common, in their order."""
WINS: Final = COMMON.index("wins")
FAILS: Final = COMMON.index("fails")


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
class Crossfitted:
    """Coefficients fitted to all rows, those fitted without each fold, and with these each row's log-odds.

    All of them recalibrated on the students that were held out (Platt scaling).
    """

    final: Floats
    unseen: list[Floats]
    log_odds: Floats


def fit_by_folds(
    columns: Columns, outcome: Floats, weight: Floats, fold: Indices, folds: int, signed: Callable[[Floats], Floats]
) -> Crossfitted:
    """Fit; `fold` is that of each row. `signed` corrects coefficients that have the wrong sign."""
    log_odds, unseen = np.zeros(len(outcome)), []
    for each in range(folds):
        inside, outside = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        unseen.append(signed(fit_logistic(columns.of(inside), outcome[inside], weight[inside])))
        log_odds[outside] = columns.of(outside).matrix @ unseen[-1]
    intercept, slope = recalibration(log_odds, outcome, weight)

    def recalibrated(coefficients: Floats) -> Floats:
        scaled = coefficients * slope
        scaled[0] += intercept
        return scaled

    final = signed(fit_logistic(columns, outcome, weight))
    return Crossfitted(recalibrated(final), list(map(recalibrated, unseen)), intercept + slope * log_odds)


def common_columns(answers: AnswerHistory, row: Indices, share: Floats, answer: Indices) -> Columns:
    """Those of COMMON: use i counts for `share[i]` in row `row[i]`, which is of the answer `answer[row[i]]`."""
    rows = len(answer)
    untouched = np.asarray(answers.wins + answers.fails == 0, np.float64)
    counted = (np.log1p(answers.wins), np.log1p(answers.fails), untouched)
    averaged = [np.asarray(np.bincount(row, each * share, rows), np.float64) for each in counted]
    totals = [np.log1p(each[answer]) for each in (answers.all_wins, answers.all_fails)]
    return Columns.beside(
        Columns.dense(_PENALTY_OF_INTERCEPT, np.ones(rows)),
        Columns.dense(PENALTY_OF_COMMON, *averaged, *totals),
    )


def common_coefficients(coefficients: Floats) -> dict[str, float]:
    """By their names, as a bank holds them."""
    return dict(zip(COMMON, map(rounded, coefficients[: len(COMMON)].tolist()), strict=True))

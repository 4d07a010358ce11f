"""What simpler models say of the same answers: Performance Factors Analysis, and Elo with the item bank.

A rival is fitted to the evaluated students themselves, each predicted by what was learnt from the others, as
`streams.evaluation.baselines` does, whose constant, shrunken mean and boosted trees stand beside.
"""

from typing import Final

import numpy as np
from sklearn.model_selection import GroupKFold

from streams.evaluation.baselines import FOLDS, baselines
from streams.evaluation.predictions import Predictions
from streams.evaluation.subject import Rival
from streams.mastery.bank import AnswerModel, ItemBank
from streams.rows.row_batch import Floats
from streams.training.mastery.answers import AnswerHistory
from streams.training.mastery.regression import Columns, fit_logistic

_PENALTY: Final = 1.0
_STEP: Final = 1.0
_STEP_FALLS: Final = 0.05


def rivals(predictions: Predictions, answers: AnswerHistory, bank: ItemBank) -> dict[str, Rival]:
    """By name; none of fewer students than FOLDS. The answers are those of the predictions."""
    if len(np.unique(predictions.student)) < FOLDS:
        return {}
    right = _right_so_far(answers)
    features = np.stack([np.log1p(answers.all_wins), np.log1p(answers.all_fails), *_averages(answers)], axis=1)
    found = baselines(predictions, right, answers.ordinal.astype(np.float64), features)
    found["pfa"] = Rival.of_all(predictions.predicting(_pfa(answers, predictions)))
    found["elo"] = Rival.of_all(predictions.predicting(_elo(answers, bank)))
    return found


def _right_so_far(answers: AnswerHistory) -> Floats:
    """Of each answer's student, before it; answers of one student are in their order."""
    right = np.zeros(len(answers))
    so_far: dict[int, float] = {}
    for at, (student, outcome) in enumerate(zip(answers.student.tolist(), answers.outcome.tolist(), strict=True)):
        right[at] = so_far.get(student, 0.0)
        so_far[student] = right[at] + outcome
    return right


def _averages(answers: AnswerHistory) -> list[Floats]:
    return [
        np.asarray(np.bincount(answers.owner, np.log1p(counts) * answers.share, len(answers)), np.float64)
        for counts in (answers.wins, answers.fails)
    ]


def _pfa(answers: AnswerHistory, predictions: Predictions) -> Floats:
    """Pavlik, Cen and Koedinger, AIED 2009: logit p = Σ over components of β + γ·wins + ρ·fails."""
    rows, width = len(answers), len(answers.components)
    columns = Columns.beside(
        Columns.dense(1e-3, np.ones(rows)),
        *(
            Columns.one_hot(rows, width, _PENALTY, answers.owner, answers.component, value)
            for value in (np.ones(len(answers.owner)), answers.wins, answers.fails)
        ),
    )
    p = np.zeros(rows)
    splits = GroupKFold(FOLDS, shuffle=True, random_state=0).split(p, groups=predictions.student)
    for inside, outside in splits:
        coefficients = fit_logistic(columns.of(inside), answers.outcome[inside], np.ones(len(inside)))
        p[outside] = 1 / (1 + np.exp(-(columns.of(outside).matrix @ coefficients)))
    return p


def _elo(answers: AnswerHistory, bank: ItemBank) -> Floats:
    """Pelánek, Computers & Education 98, 2016: an ability that moves by (outcome − p)·1/(1 + 0.05·n) at each answer.

    How hard an answer is comes from the bank: its log-odds for a student who has answered nothing.
    """
    easiness = _easiness(answers, bank)
    p = np.zeros(len(answers))
    ability: dict[int, float] = {}
    for at, (student, ordinal) in enumerate(zip(answers.student.tolist(), answers.ordinal.tolist(), strict=True)):
        before = ability.get(student, 0.0)
        p[at] = 1 / (1 + np.exp(-(before + easiness[at])))
        ability[student] = before + _STEP / (1 + _STEP_FALLS * ordinal) * (answers.outcome[at] - p[at])
    return p


def _easiness(answers: AnswerHistory, bank: ItemBank) -> Floats:
    items = np.array([bank.items.get(name, np.nan) for name in answers.items] or [np.nan])[answers.item]
    items[answers.item < 0] = np.nan
    with_item = items + _fresh(answers, bank.with_item)
    return np.where(np.isnan(items), _fresh(answers, bank.without_item), with_item)


def _fresh(answers: AnswerHistory, model: AnswerModel) -> Floats:
    """Log-odds without any answer before, but for the item."""
    usual = model.intercept + model.untouched
    own = np.array([model.components[name].easiness if name in model.components else 0 for name in answers.components])
    return np.asarray(usual + np.bincount(answers.owner, own[answers.component] * answers.share, len(answers)))

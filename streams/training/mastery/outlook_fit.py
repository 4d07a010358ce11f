"""Fitting the outlook: the mean of all later answers of a student (`streams.mastery.model` has the formula)."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from streams.mastery.bank import AnswerModel, OutlookModel, rounded
from streams.mastery.model import outlook_features
from streams.mastery.regression import AnswerRegression
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.training.mastery.answers import Moments
from streams.training.mastery.regression import Columns, fit_logistic

_PENALTY: Final = 1.0


def unseen_features(moments: Moments, unseen: Sequence[AnswerModel], fold: Indices) -> Floats:
    """The outlook's features of each moment, by the regression that was fitted without its student's fold."""
    features = np.zeros((len(moments), 5))
    for each, model in enumerate(unseen):
        part = moments.of(fold == each)
        features[fold == each] = outlook_features(part.counts, AnswerRegression(model).of_each(part.counts))
    return features


def fit_outlook(features: Floats, outcome: Floats, fold: Indices, folds: int) -> tuple[OutlookModel, Floats]:
    """The outlook, and the later mean of each moment predicted without its student's fold."""
    unseen = np.zeros(len(outcome))
    for each in range(folds):
        inside, outside = fold != each, fold == each
        unseen[outside] = _predict(_fit(features[inside], outcome[inside]), features[outside])
    intercept, *slopes = map(rounded, _fit(features, outcome).tolist())
    share, level, seen, seen_share, seen_level = slopes
    model = OutlookModel(
        intercept=intercept, share=share, level=level, seen=seen, seen_share=seen_share, seen_level=seen_level
    )
    return model, unseen


def _fit(features: Floats, outcome: Floats) -> Floats:
    columns = Columns.beside(Columns.dense(1e-3, np.ones(len(outcome))), Columns.dense(_PENALTY, *features.T))
    return fit_logistic(columns, outcome, np.ones(len(outcome)))


def _predict(coefficients: Floats, features: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(coefficients[0] + features @ coefficients[1:]))))

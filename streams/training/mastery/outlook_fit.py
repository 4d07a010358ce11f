"""Fitting the outlook: the mean of all later answers of a student (`streams.mastery.model` has the formula)."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from streams.mastery.bank import AnswerModel, OutlookModel, rounded
from streams.mastery.learnt import LearntEasiness
from streams.mastery.model import outlook_features
from streams.mastery.regression import AnswerRegression
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.training.mastery.answers import Moments
from streams.training.mastery.regression import Columns, fit_logistic
from streams.training.norm_timeline import NO_TIMELINE, NormTimeline

_PENALTY: Final = 1.0


def unseen_features(
    moments: Moments, unseen: Sequence[AnswerModel], fold: Indices, norms: NormTimeline = NO_TIMELINE
) -> Floats:
    """The outlook's features of each moment, by the regression that was fitted without its student's fold, under the
    norms of the time.
    """
    features = np.zeros((len(moments), 5))
    regressions = [AnswerRegression(model) for model in unseen]
    for view, chosen in norms.at(moments.times_us):
        learnt = None if view is None else LearntEasiness(view)
        for each, regression in enumerate(regressions):
            of_fold = np.zeros(len(moments), np.bool_)
            of_fold[chosen] = fold[chosen] == each
            counts = moments.of(of_fold).counts
            features[of_fold] = outlook_features(counts, regression.of_each(counts, learnt))
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

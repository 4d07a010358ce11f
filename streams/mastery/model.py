"""How likely the next answer is right, from a row alone: logistic regression over counts of answers, and an item bank.

    logit p = b + item + mean over the answer's components k of
                  [ e_k + (w + w_k)·log(1 + wins_k) + (f + f_k)·log(1 + fails_k) + u·(never answered) ]
              + W·log(1 + all wins) + F·log(1 + all fails)

(Gervet, Koedinger, Schneider and Mitchell, JEDM 12(3), 2020: 'Best-LR'; with slopes a component.) The counts are those
before the answer, so a prediction is made before its answer is folded.

The outlook is the mean of all of a student's later answers, whatever they are:

    logit m = c + s·share + l·level + r·(c' + s'·share + l'·level),    r = n/(n + 10)

with share = log((all wins + 1.5)/(all fails + 1)), level the mean of the touched components' log-odds by their counts,
and n the number of counts. Under norms the easiness of items and components is learnt while running, with the bank as
prior (`streams.mastery.learnt`).
"""

from collections.abc import Sequence
from copy import copy
from typing import Final, Self

import numpy as np

from streams.mastery.bank import ItemBank
from streams.mastery.counts import AnswerCounts, Questions
from streams.mastery.learnt import PRIOR_OF_ITEMS, LearntEasiness
from streams.mastery.regression import AnswerRegression
from streams.norms.view import NormView
from streams.rows.row import Row
from streams.rows.row_batch import Floats, RowBatch

SEEN_HALF: Final = 10.0
_MAX_LOG_ODDS: Final = 500.0  # beyond these exp overflows: a bank may say so, of somebody with many answers


class Mastery:
    """An item bank, ready to predict. Pure: the same rows get the same predictions under the same norms, whatever batch
    they are in.
    """

    def __init__(self, bank: ItemBank, norms: NormView | None = None) -> None:
        self.learnt = None if norms is None else LearntEasiness(norms)
        self._bank = bank
        self._with_item = AnswerRegression(bank.with_item)
        self._without_item = AnswerRegression(bank.without_item)

    def with_norms(self, norms: NormView | None) -> Self:
        """The same bank under these norms, or without any. Takes microseconds."""
        other = copy(self)
        other.learnt = None if norms is None else LearntEasiness(norms)
        return other

    def predict(self, row: Row, item: str | None, components: Sequence[str]) -> float:
        """How likely the student's next answer is right, to `item`, which asks for `components`; within 0 and 1.

        An item that neither bank nor norms know, or None, is as hard as its components are; a component that they do
        not know is as hard as all are, to the student's cohort if that has a norm. Without components, the student's
        answers in all of them decide.
        """
        counts = AnswerCounts.of(RowBatch.of_rows([row], ()))
        return float(self.predict_many(counts, Questions.of([0], [item], [components]))[0])

    def predict_many(self, counts: AnswerCounts, questions: Questions) -> Floats:
        """As `predict`, of each question; shape (questions,)."""
        easiness = self._easiness_of_items(questions)
        with_item = self._with_item.log_odds(counts, questions, self.learnt) + easiness
        return _sigmoid(
            np.where(np.isnan(easiness), self._without_item.log_odds(counts, questions, self.learnt), with_item)
        )

    def of_components(self, counts: AnswerCounts) -> Floats:
        """How likely the next answer in each counted component is right, whatever the item; in the order of counts."""
        return _sigmoid(self._component_log_odds(counts))

    def intervals(self, counts: AnswerCounts, p: Floats) -> tuple[Floats, Floats]:
        """Where the mean of the student's later answers in each counted component lies in 9 of 10 cases, around `p`."""
        widths = self._bank.component_intervals
        at = np.searchsorted(widths.edges, counts.wins + counts.fails, side="right")
        half = np.array(widths.half_widths)[at]
        return np.maximum(p - half, 0.0), np.minimum(p + half, 1.0)

    def outlook(self, counts: AnswerCounts) -> Floats:
        """The predicted mean of all later answers; NaN of a student without any so far. Shape (students,)."""
        model, features = self._bank.outlook, outlook_features(counts, self._component_log_odds(counts))
        coefficients = (model.share, model.level, model.seen, model.seen_share, model.seen_level)
        return _sigmoid(model.intercept + (features * np.array(coefficients)).sum(axis=1))

    def _easiness_of_items(self, questions: Questions) -> Floats:
        """NaN of items that are unknown."""
        items = self._bank.items
        easiness = np.array([items.get(item, np.nan) if item is not None else np.nan for item in questions.items])
        if self.learnt is None:
            return easiness
        of_components = self.learnt.components(questions.code).easiness * questions.share
        mean = np.asarray(np.bincount(questions.owner, of_components, len(questions.row)), np.float64)
        learnt, known = self.learnt.items(questions.items, mean), ~np.isnan(easiness)
        blended = learnt.blended(easiness, known, PRIOR_OF_ITEMS, self._bank.with_item.learnt_items)
        return np.where(known | (learnt.answers > 0), blended, np.nan)

    def _component_log_odds(self, counts: AnswerCounts) -> Floats:
        return self._without_item.of_each(counts, self.learnt)


def outlook_features(counts: AnswerCounts, log_odds: Floats) -> Floats:
    """share, level, r, r·share and r·level of each student, see the module; NaN without answers. Shape (students, 5).

    `log_odds` are those of each count's component.
    """
    answers = counts.wins + counts.fails
    n = counts.all_wins + counts.all_fails
    share = np.log((counts.all_wins + 1.5) / (counts.all_fails + 1.0))
    total = np.bincount(counts.owner, log_odds * answers, counts.students)
    level = np.divide(total, n, out=np.full(counts.students, np.nan), where=n > 0)
    seen = n / (n + SEEN_HALF)
    return np.stack([share, level, seen, seen * share, seen * level], axis=1)


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -_MAX_LOG_ODDS, _MAX_LOG_ODDS))))

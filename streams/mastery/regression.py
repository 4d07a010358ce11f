"""One logistic regression of answers, evaluated on counts (the formula is in `streams.mastery.model`)."""

import numpy as np
from numpy.typing import NDArray

from streams.mastery.bank import AnswerModel
from streams.mastery.counts import AnswerCounts, Questions
from streams.mastery.learnt import PRIOR_OF_COMPONENTS, LearntEasiness
from streams.rows.components import component_code
from streams.rows.row_batch import Floats


class AnswerRegression:
    """An AnswerModel, its components as arrays; the last of them is the usual one."""

    def __init__(self, model: AnswerModel) -> None:
        by_code = {component_code(name.encode()): component for name, component in model.components.items()}
        self._codes = np.array(sorted(by_code), np.int64)
        rows = [(by_code[code].easiness, by_code[code].wins, by_code[code].fails) for code in self._codes.tolist()]
        self._components = np.array([*rows, (0.0, 0.0, 0.0)])
        self._model = model

    def log_odds(self, counts: AnswerCounts, questions: Questions, learnt: LearntEasiness | None = None) -> Floats:
        """Of a right answer to each question, but for its item; shape (questions,). `learnt` is what norms say."""
        model = self._model
        wins, fails = counts.at(questions.row[questions.owner], questions.code)
        index = self._indices_of(questions.code)
        easiness, of_wins, of_fails = self._components[index].T
        if learnt is not None:
            easiness = self._blended(easiness, index < len(self._codes), learnt, counts, questions)
        each = easiness + (model.wins + of_wins) * np.log1p(wins) + (model.fails + of_fails) * np.log1p(fails)
        each += np.where(wins + fails == 0, model.untouched, 0.0)
        averaged = np.bincount(questions.owner, each * questions.share, len(questions.row))
        all_wins, all_fails = counts.all_wins[questions.row], counts.all_fails[questions.row]
        return np.asarray(
            model.intercept + averaged + model.all_wins * np.log1p(all_wins) + model.all_fails * np.log1p(all_fails)
        )

    def of_each(self, counts: AnswerCounts, learnt: LearntEasiness | None = None) -> Floats:
        """Log-odds of a right answer in each counted component alone, in the order of counts."""
        everything = np.arange(len(counts.owner))
        questions = Questions(counts.owner, [None] * len(everything), everything, counts.code)
        return self.log_odds(counts, questions, learnt)

    def _blended(
        self,
        easiness: Floats,
        known: NDArray[np.bool_],
        learnt: LearntEasiness,
        counts: AnswerCounts,
        questions: Questions,
    ) -> Floats:
        """The bank's easiness and that of norms; where neither knows a component, that of the student's cohort."""
        weight, found = self._model.learnt_components, learnt.components(questions.code)
        blended = found.blended(easiness, known, PRIOR_OF_COMPONENTS, weight)
        nowhere = ~known & (found.answers == 0)
        if counts.enrolment and nowhere.any():
            rows = questions.row[questions.owner[nowhere]].tolist()
            blended[nowhere] = weight * learnt.cohorts([counts.enrolment[row] for row in rows])
        return blended

    def _indices_of(self, code: NDArray[np.int64]) -> NDArray[np.intp]:
        """Where each component is among ours; behind the last, if it is unknown."""
        if not len(self._codes):
            return np.zeros(len(code), np.intp)
        index = np.minimum(np.searchsorted(self._codes, code), len(self._codes) - 1)
        return np.where(self._codes[index] == code, index, len(self._codes))

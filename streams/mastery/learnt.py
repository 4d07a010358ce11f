"""How easy items and components are as norms have it, beyond the usual: what is learnt while running.

    component k    L_k = L((w + 20·p)/(n + 20)),      ê_k = L_k − L(p)
    item i         L_i = L((w + 8·p_K)/(n + 8)),      ê_i = L_i − the mean of L_k over its components, p_K its inverse

w of n answers were right, p is the share of all answers that were, L are log-odds. A bank is the prior of what it
knows, as if it were so many answers (`blended`).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.norms.layout import item_code
from streams.norms.view import NormView
from streams.rows.layout import Array
from streams.rows.row_batch import Floats

PRIOR_OF_COMPONENTS: Final = 100.0
PRIOR_OF_ITEMS: Final = 30.0
"""How many answers a bank's easiness stands for."""
_USUAL_IN_COMPONENT: Final = 20.0
_USUAL_IN_ITEM: Final = 8.0
"""So many answers of the usual share are added to those that there were."""
_LEAST_SHARE: Final = 1e-3


class Learnt(NamedTuple):
    """Easiness by norms, and how many answers each is of: 0 where there is no norm."""

    easiness: Floats
    answers: Floats

    def blended(self, bank: Floats, known: NDArray[np.bool_], prior: float, weight: float) -> Floats:
        """With what the bank says where it is `known`, as if that were `prior` answers; elsewhere alone.

        `weight` is what a step of the learnt easiness counts for in a regression.
        """
        own = weight * self.easiness
        return np.where(known, (prior * bank + self.answers * own) / (prior + self.answers), own)


class LearntEasiness:
    """Under one snapshot of norms."""

    def __init__(self, norms: NormView) -> None:
        self._norms = norms
        self._share = min(max(norms.share_right, _LEAST_SHARE), 1 - _LEAST_SHARE)
        self._usual = float(_log_odds(np.array(self._share)))

    def components(self, codes: NDArray[np.int64]) -> Learnt:
        """Of components by `component_code`."""
        return self._beyond_usual(self._norms.components(codes))

    def cohorts(self, enrolment: Sequence[bytes]) -> Floats:
        """How much easier all answers are to each student's cohort; 0 where none has a norm."""
        return self._beyond_usual(self._norms.cohorts[self._norms.cohorts_of(enrolment).cohort]).easiness

    def items(self, items: Sequence[str | None], of_components: Floats) -> Learnt:
        """Of items by name, beyond the mean easiness of the components that each asks for."""
        named = np.array([item is not None for item in items], np.bool_)
        codes = np.array([item_code(item) if item is not None else 0 for item in items], np.uint64)
        norms = self._norms.items(codes)
        answers = np.where(named, norms["answers"], 0).astype(np.float64)
        level = self._usual + of_components
        easiness = _smoothed(norms["wins"], answers, _share_of(level), _USUAL_IN_ITEM) - level
        return Learnt(np.where(answers > 0, easiness, 0.0), answers)

    def _beyond_usual(self, norms: Array) -> Learnt:
        answers = norms["answers"].astype(np.float64)
        easiness = _smoothed(norms["wins"], answers, np.array(self._share), _USUAL_IN_COMPONENT) - self._usual
        return Learnt(np.where(answers > 0, easiness, 0.0), answers)


def _smoothed(wins: Array, answers: Floats, share: Floats, usual: float) -> Floats:
    """Log-odds of the share of right answers, with some `usual` ones of `share` among them."""
    return _log_odds((wins + usual * share) / (answers + usual))


def _log_odds(share: Floats) -> Floats:
    return np.asarray(np.log(share / (1 - share)))


def _share_of(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)))

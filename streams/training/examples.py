"""What one skill's model learns from, features, outcomes and weights; and what it says of moments held back."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

import numpy as np

from streams.evidence.source import Estimate
from streams.evidence.trained_on import TrainedOn
from streams.rows.row_batch import Floats
from streams.training.classifier import Fitted, fit, matching
from streams.training.errors import TrainingError
from streams.training.estimates import feature_matrix, joined, model_estimate, reordered
from streams.training.folds import Fold
from streams.training.moments import OWN, WITHDRAWN, Moment
from streams.vocabulary import FACTS

EARLIER_WEIGHT: Final = 0.25
"""What an earlier state of a label counts."""


@dataclass(frozen=True, slots=True)
class Examples:
    """A row a moment: `matrix` has shape (moments, names), `outcomes` and `weights` (moments,)."""

    moments: Sequence[Moment]
    names: Sequence[str]
    matrix: Floats
    outcomes: Floats
    weights: Floats
    seed: int = 0

    @classmethod
    def of(cls, moments: Sequence[Moment], inputs: Sequence[str], seed: int = 0) -> "Examples":
        """The moments of one skill. Raises TrainingError for a pattern of `inputs` that names no feature."""
        names = matching(inputs)
        outcomes = np.array([float(moment.label.label) for moment in moments])
        weights = np.array([1.0 if moment.stage in (OWN, WITHDRAWN) else EARLIER_WEIGHT for moment in moments])
        return cls(moments, names, feature_matrix(moments, names), outcomes, weights, seed)

    def fit(self) -> Fitted:
        """The model of all. Raises TrainingError as `fit` does."""
        return fit(self.matrix, self.names, self.outcomes, self.weights, self.seed)

    def held_back(self, folds: Sequence[Fold]) -> Estimate:
        """Every moment's estimate by a model that was fitted while it was held back; one column."""
        parts = []
        for fold in folds:
            inside = fold.inside
            try:
                fitted = fit(self.matrix[inside], self.names, self.outcomes[inside], self.weights[inside], self.seed)
            except TrainingError as error:
                raise TrainingError(f"without {fold.who}: {error}") from None
            parts.append(model_estimate([self.moments[at] for at in fold.outside], self.moments[0].label.skill, fitted))
        return reordered(joined(parts), np.argsort(np.concatenate([fold.outside for fold in folds])))

    def trained_on(self, features: Sequence[str]) -> TrainedOn:
        """What all moments show that a model of these features learns from."""
        often = feature_matrix(self.moments, [f"{fact}.n" for fact in FACTS]).max(axis=0)
        columns = [self.names.index(name) for name in features]
        return TrainedOn.of(compress(FACTS, often.tolist()), features, self.matrix[:, columns])

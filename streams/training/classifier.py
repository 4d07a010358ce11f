"""One skill's classifier: gradient-boosted trees over those features that say anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import ThreadpoolController

from streams.evidence.features import FEATURES, NORM_FEATURES
from streams.evidence.scikit_trees import trees_of
from streams.evidence.trees import BoostedTrees
from streams.rows.row_batch import Floats
from streams.training.errors import TrainingError

_LEAF: Final = 40


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model and the features it reads, in their order."""

    features: tuple[str, ...]
    model: BoostedTrees


def matching(patterns: Sequence[str]) -> tuple[str, ...]:
    """The features that any of `patterns` names (`*` stands for anything) and none with a leading `!` does.

    No patterns: all of FEATURES; those against norms are read only where a pattern names them. Raises TrainingError for
    a pattern that names none.
    """
    everything = (*FEATURES, *NORM_FEATURES)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern.removeprefix("!")) for name in everything):
            raise TrainingError(f"inputs: no feature is named {pattern.removeprefix('!')!r}")
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    named = [name for name in everything if any(fnmatchcase(name, pattern) for pattern in wanted)] or FEATURES
    return tuple(name for name in named if not any(fnmatchcase(name, pattern) for pattern in unwanted))


def fit(matrix: Floats, names: Sequence[str], labels: Floats, weights: Floats, seed: int) -> Fitted:
    """Fit on `matrix` of shape (moments, names). Features that are constant, or known of hardly any, are left out:
    they say nothing, and the library cannot bin a column of NaN alone.

    Raises TrainingError where nothing is left to learn from.
    """
    informative = [column for column in range(len(names)) if _is_informative(matrix[:, column])]
    if len(matrix) < _LEAF:
        raise TrainingError(f"{len(matrix)} moments are too few to learn from, {_LEAF} are needed")
    if not informative:
        raise TrainingError(f"all features are constant over {len(matrix)} moments: nothing to learn from")
    if labels.min() == labels.max():
        raise TrainingError("all labels are equal: nothing to learn")
    model = HistGradientBoostingClassifier(
        max_iter=100,
        max_depth=5,
        learning_rate=0.08,
        l2_regularization=20.0,
        min_samples_leaf=_LEAF,
        early_stopping=False,
        random_state=seed,
    )
    # One thread: the same sums on every machine, and no waiting for cores that others use.
    with ThreadpoolController().limit(limits=1):
        model.fit(*_as_classes(matrix[:, informative], labels, weights))
    return Fitted(tuple(names[column] for column in informative), trees_of(model))


def _as_classes(matrix: Floats, labels: Floats, weights: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Rows of the classes 0 and 1 and their weights: a label between is a row of each, weighted by how near it is.

    Log loss of these is that of the fractional logit: Papke and Wooldridge, J. Appl. Econometrics 11, 1996.
    """
    ones, zeros = np.flatnonzero(labels > 0), np.flatnonzero(labels < 1)
    rows = np.concatenate([ones, zeros])
    if len(rows) == len(labels):
        return matrix, labels.astype(np.int64), weights
    classes = np.repeat(np.array([1, 0], np.int64), [len(ones), len(zeros)])
    return matrix[rows], classes, np.concatenate([(weights * labels)[ones], (weights * (1 - labels))[zeros]])


def _is_informative(column: Floats) -> bool:
    known = column[~np.isnan(column)]
    return len(known) >= _LEAF and bool(known.min() < known.max())

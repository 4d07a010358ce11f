"""The trees of a fitted scikit-learn classifier, taken out of it. Imports no scikit-learn: it looks at what it gets."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.trees import TREES_VERSION, BoostedTrees, Tree, TreeSplit, TreesUnreadable

CLASSIFIER: Final = "HistGradientBoostingClassifier"


def trees_of(model: Any) -> BoostedTrees:
    """The trees of a fitted HistGradientBoostingClassifier of two classes.

    Raises TreesUnreadable for another model, and for one that splits by categories, splits off -inf or is too large.
    """
    if type(model).__name__ != CLASSIFIER or not hasattr(model, "_predictors"):
        raise TreesUnreadable(f"{type(model).__name__} is not a classifier that is read here: {CLASSIFIER} is, fitted")
    if len(model.classes_) != 2:
        raise TreesUnreadable(f"it has {len(model.classes_)} classes, two are wanted")
    nodes = [predictor.nodes for (predictor,) in model._predictors]  # noqa: SLF001 - nothing public tells them
    if any(each["is_categorical"].any() for each in nodes):
        raise TreesUnreadable("it splits by categories, which is not computed here: give it numbers")
    try:
        return BoostedTrees(
            version=TREES_VERSION,
            features=model.n_features_in_,
            baseline=float(model._baseline_prediction.item()),  # noqa: SLF001
            trees=tuple(_tree(each, 0) for each in nodes),
        )
    except ValueError as error:
        raise TreesUnreadable(str(error)) from None


def _tree(nodes: NDArray[np.void], at: int) -> Tree:
    node = nodes[at]
    if node["is_leaf"]:
        return float(node["value"])
    threshold = float(node["num_threshold"])
    if not threshold > -np.inf:
        raise TreesUnreadable("it was fitted to -inf, which is not computed here: give it finite numbers, or NaN")
    return TreeSplit(
        feature=int(node["feature_idx"]),
        threshold=None if np.isposinf(threshold) else threshold,
        missing_left=bool(node["missing_go_to_left"]),
        left=_tree(nodes, int(node["left"])),
        right=_tree(nodes, int(node["right"])),
    )

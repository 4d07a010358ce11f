"""Scoring by boosted trees with numpy alone, to the bit as scikit-learn does.

QuickScorer (Lucchese et al., SIGIR 2015), over arrays: a split whose outcome is known rules out the leaves on its other
side. For each feature all trees' thresholds are sorted; between two of them, and where the feature is missing, the same
leaves are ruled out whatever the value. A table holds the leaves that are then left of each tree, a bit each. A row's
values are looked up, the sets of leaves intersected, and in each tree one leaf remains.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.evidence.trees import BoostedTrees, Tree, TreeSplit
from streams.rows.row_batch import Floats

_ROWS: Final = 64
"""Scored at once: what they look up stays in the cache."""
_LEAST_LOG_ODDS: Final = -700.0  # of what is below, exp overflows; p is 1e-304 there


class TreeScorer:
    """Boosted trees, ready to score. Pure: the same row gets the same score, whatever batch it is in."""

    def __init__(self, trees: BoostedTrees) -> None:
        planted = [_Planted.of(tree) for tree in (trees.baseline, *trees.trees)]  # the baseline: a tree of one leaf
        self._width = 32 if all(len(tree.values) <= 32 for tree in planted) else 64
        self._values = np.zeros((len(planted), self._width))
        for number, tree in enumerate(planted):
            self._values[number, : len(tree.values)] = tree.values
        self._first_leaves = np.arange(len(planted)) * self._width
        self._features = sorted({ruled.split.feature for tree in planted for ruled in tree.ruled_out}) or [0]
        self._thresholds = [_thresholds(planted, feature) for feature in self._features]
        self._table = np.concatenate(
            [
                _table(planted, feature, thresholds, np.dtype(f"u{self._width // 8}"))
                for feature, thresholds in zip(self._features, self._thresholds, strict=True)
            ]
        )
        sizes = [len(thresholds) + 1 for thresholds in self._thresholds]
        self._first_rows = np.cumsum([0, *sizes[:-1]])

    def log_odds(self, matrix: Floats) -> Floats:
        """Of each row of `matrix`, which has shape (rows, features)."""
        at = np.empty((len(self._features), len(matrix)), np.intp)
        for number, feature in enumerate(self._features):
            at[number] = self._thresholds[number].searchsorted(matrix[:, feature])
        at += self._first_rows[:, None]
        summed = np.empty(len(matrix))
        for start in range(0, len(matrix), _ROWS):
            some = slice(start, start + _ROWS)
            left = np.bitwise_and.reduce(self._table.take(at[:, some], axis=0), axis=0)
            leaves = np.bitwise_count(left - left.dtype.type(1)) + self._first_leaves
            summed[some] = _added_in_order(self._values.take(leaves))
        return summed

    def probability(self, matrix: Floats) -> Floats:
        """Of the second class, of each row. By libm's exp, as scikit-learn: numpy's differs by processor."""
        log_odds = np.maximum(self.log_odds(matrix), _LEAST_LOG_ODDS).tolist()
        return np.array([1 / (1 + math.exp(-each)) for each in log_odds])


def _added_in_order(values: Floats) -> Floats:
    """Each row's values, shape (rows, trees), added one after the other, as scikit-learn does: of one row numpy adds in
    pairs, of several a column at a time.
    """
    if len(values) == 1:
        return np.asarray(np.add.accumulate(values, axis=1)[:, -1])
    return np.asarray(np.add.reduce(np.ascontiguousarray(values.T), axis=0))


class _RuledOut(NamedTuple):
    """A split, and the bits of the leaves on its left and on its right."""

    split: TreeSplit
    left: int
    right: int


class _Planted(NamedTuple):
    """A tree whose leaves are numbered from the left."""

    values: list[float]
    ruled_out: list[_RuledOut]

    @classmethod
    def of(cls, tree: Tree) -> "_Planted":
        planted = cls([], [])
        planted._add(tree)
        return planted

    def _add(self, tree: Tree) -> int:
        """The bits of all leaves of `tree`."""
        if not isinstance(tree, TreeSplit):
            self.values.append(tree)
            return 1 << len(self.values) - 1
        left, right = self._add(tree.left), self._add(tree.right)
        self.ruled_out.append(_RuledOut(tree, left, right))
        return left | right


def _thresholds(planted: Sequence[_Planted], feature: int) -> Floats:
    """In order. Infinity is always among them: what is known is found up to it, and NaN, which sorts last, after it."""
    found = {ruled.split.threshold for tree in planted for ruled in tree.ruled_out if ruled.split.feature == feature}
    return np.array(sorted({math.inf} | {_number(threshold) for threshold in found}))


def _table(
    planted: Sequence[_Planted], feature: int, thresholds: Floats, bits: np.dtype[np.unsignedinteger]
) -> NDArray[np.unsignedinteger]:
    """The leaves that are left, shape (thresholds + 1, trees): of values up to each threshold, last of NaN."""
    table = np.empty((len(thresholds) + 1, len(planted)), bits)
    everything = (1 << bits.itemsize * 8) - 1
    for number, tree in enumerate(planted):
        table[:, number] = (1 << len(tree.values)) - 1
        for split, left, right in tree.ruled_out:
            if split.feature == feature:
                first_right = int(thresholds.searchsorted(_number(split.threshold))) + 1
                table[:first_right, number] &= bits.type(everything ^ right)
                table[first_right:-1, number] &= bits.type(everything ^ left)
                table[-1, number] &= bits.type(everything ^ (right if split.missing_left else left))
    return table


def _number(threshold: float | None) -> float:
    return math.inf if threshold is None else threshold

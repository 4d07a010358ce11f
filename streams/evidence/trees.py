"""Boosted trees as an artifact holds them: a JSON file, so that reading one runs no code and needs no scikit-learn.

    {"version": 1, "features": 34, "baseline": 0.18, "trees": [[12, 4.5, true, -0.03, [3, null, false, 0.01, 0.2]], …]}

A tree is what it adds to the log-odds, or a split: feature, threshold, whether what is missing goes left, then the tree
on the left and the one on the right. As they are nested, no file can hold a tree that has a circle or lacks a branch.
"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from schemas.versioned import read_versioned

TREES_VERSION: Final = 1
MAX_TREES_BYTES: Final = 16 * 1024 * 1024
MAX_LEAVES: Final = 64
"""Of one tree: a set of its leaves is one number of 64 bits, see `tree_scorer`."""
MAX_TABLE_SIZE: Final = 1 << 24
"""Thresholds times trees: how much memory scoring takes, 8 bytes each at most."""

Leaf = Annotated[float, Meta(ge=-100, le=100)]


class TreesUnreadable(ValueError):
    """What holds no boosted trees, or such as are not computed here; the message says what is wrong."""


class TreeSplit(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A value of `feature` goes left if it is at most `threshold`, or known at all where that is None; NaN as said."""

    feature: Annotated[int, Meta(ge=0)]
    threshold: float | None
    missing_left: bool
    left: "Leaf | TreeSplit"
    right: "Leaf | TreeSplit"


Tree = float | TreeSplit


class BoostedTrees(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A classifier of two classes by `features` numbers: the log-odds of the second are `baseline` and all trees' sum.

    Raises ValueError for trees that are too large, or read a feature that there is not.
    """

    version: int
    features: Annotated[int, Meta(ge=1)]
    baseline: Leaf
    trees: tuple[Leaf | TreeSplit, ...]

    def __post_init__(self) -> None:
        cuts = set()
        for number, tree in enumerate(self.trees):
            splits = list(splits_of(tree))
            if len(splits) >= MAX_LEAVES:
                raise ValueError(f"tree {number} has {len(splits) + 1} leaves, {MAX_LEAVES} are allowed")
            for split in splits:
                if split.feature >= self.features:
                    raise ValueError(f"tree {number} reads feature {split.feature} of {self.features}, counted from 0")
                cuts.add((split.feature, split.threshold))
        if len(cuts) * len(self.trees) > MAX_TABLE_SIZE:
            size = f"{len(cuts)} thresholds in {len(self.trees)} trees"
            raise ValueError(f"{size} are too many: their product may be {MAX_TABLE_SIZE}")


def splits_of(tree: Tree) -> Iterator[TreeSplit]:
    """All splits of a tree, however deep it is."""
    pending = [tree]
    while pending:
        if isinstance(node := pending.pop(), TreeSplit):
            yield node
            pending += (node.left, node.right)


def write_trees(trees: BoostedTrees) -> bytes:
    """The trees as they are stored: equal trees have equal bytes."""
    return msgspec.json.encode(trees, order="deterministic") + b"\n"


def read_trees(stored: bytes) -> BoostedTrees:
    """The trees in these bytes. Raises TreesUnreadable."""
    return read_versioned(stored, BoostedTrees, TREES_VERSION, MAX_TREES_BYTES, TreesUnreadable)

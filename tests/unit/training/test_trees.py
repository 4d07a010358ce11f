"""Boosted trees: scored as scikit-learn scores them, read as they were written, and nothing else."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from streams.evidence import trees
from streams.evidence.scikit_trees import trees_of
from streams.evidence.tree_scorer import TreeScorer
from streams.evidence.trees import BoostedTrees, TreeSplit, TreesUnreadable, read_trees, write_trees
from tests.unit.training.boosting import FEATURES, fitted, numbers


@settings(max_examples=12)
@given(
    seed=st.integers(0, 1_000),
    max_iter=st.sampled_from([1, 2, 30]),
    max_leaf_nodes=st.sampled_from([2, 31, 33, 64]),
    max_bins=st.sampled_from([5, 255]),
)
def test_scores_are_scikit_learn_s_to_the_bit(seed: int, **chosen: int) -> None:
    model = fitted(seed, **chosen)
    scorer = TreeScorer(read_trees(write_trees(trees_of(model))))
    matrix = numbers(200, seed + 1)
    matrix[3] = -np.inf

    for rows in (matrix[:1], matrix[:2], matrix[:65], matrix, np.asfortranarray(matrix)):
        assert np.array_equal(scorer.log_odds(rows), model.decision_function(rows))
        assert np.array_equal(scorer.probability(rows), model.predict_proba(rows)[:, 1])


def test_a_value_that_is_a_threshold_goes_left_and_the_next_one_right() -> None:
    model = fitted()
    inner = np.concatenate([predictor.nodes for (predictor,) in model._predictors])  # noqa: SLF001
    inner = inner[inner["is_leaf"] == 0]
    matrix = numbers(3 * len(inner), 1)
    for at, split in enumerate(inner):
        edge = split["num_threshold"]
        matrix[3 * at : 3 * at + 3, split["feature_idx"]] = [np.nextafter(edge, -np.inf), edge, np.nextafter(edge, 9)]

    assert np.isinf(inner["num_threshold"]).any(), "a split by what is missing is among them"
    assert np.array_equal(TreeScorer(trees_of(model)).log_odds(matrix), model.decision_function(matrix))


def test_without_trees_or_without_splits_there_is_what_all_have_in_common() -> None:
    for stumps in ((), (0.25,), (0.25, 0.5)):
        scorer = TreeScorer(BoostedTrees(version=1, features=2, baseline=-1.0, trees=stumps))
        assert scorer.log_odds(np.array([[np.nan, 1.0]])).tolist() == [-1.0 + sum(stumps)]
    nobody = np.empty((0, 2))
    assert scorer.probability(nobody).shape == (0,)


def test_log_odds_beyond_what_exp_can_say_are_no_error() -> None:
    sure = BoostedTrees(version=1, features=1, baseline=0.0, trees=(100.0,) * 9)
    unsure = BoostedTrees(version=1, features=1, baseline=0.0, trees=(-100.0,) * 9)
    [high], [low] = (TreeScorer(each).probability(np.zeros((1, 1))) for each in (sure, unsure))
    assert (high, low < 1e-300) == (1.0, True)


def test_a_score_does_not_depend_on_who_else_is_scored() -> None:
    scorer = TreeScorer(trees_of(fitted()))
    matrix = numbers(150, 3)
    assert np.array_equal(np.concatenate([scorer.log_odds(row[None]) for row in matrix]), scorer.log_odds(matrix))


def test_trees_are_read_as_they_were_written_and_always_in_the_same_bytes() -> None:
    written = trees_of(fitted())
    assert read_trees(write_trees(written)) == written
    assert write_trees(read_trees(write_trees(written))) == write_trees(trees_of(fitted()))
    assert max(abs(value) for value in leaves(written)) < math.inf


def leaves(written: BoostedTrees) -> list[float]:
    splits = [split for tree in written.trees for split in trees.splits_of(tree)]
    return [side for split in splits for side in (split.left, split.right) if isinstance(side, float)]


def changed(**fields: Any) -> bytes:
    """A file of one tree, some of its fields being others."""
    usual = {"version": 1, "features": 2, "baseline": 0.5, "trees": [[1, 0.5, True, 0.1, -0.1]]}
    return msgspec.json.encode(usual | fields)


def chain(leaves: int) -> Any:
    """A tree of so many leaves, each to the left of the next."""
    tree: Any = 0.0
    for number in range(1, leaves):
        tree = [0, float(number), False, 0.0, tree]
    return tree


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (changed()[:-20], "truncated"),
        (b"", "truncated"),
        (b"\xff\xfe", "invalid character"),
        (b"[]", "Expected `object`"),
        (changed(version=2), "version 2, 1 is read here"),
        (changed(more=1), "unknown field"),
        (changed(features=0), r">= 1 - at `\$\.features`"),
        (changed(baseline=101.0), r"<= 100\.0 - at `\$\.baseline`"),
        (changed(baseline=None), "Expected `float`, got `null`"),
        (changed(trees=[[1, 0.5, True, 0.1, -101]]), r">= -100\.0 - at `\$\.trees\[0\]\[4\]`"),
        (changed(trees=[[2, 0.5, True, 0.1, -0.1]]), "tree 0 reads feature 2 of 2"),
        (changed(trees=[[-1, 0.5, True, 0.1, -0.1]]), "`int` >= 0"),
        (changed(trees=[[1, 0.5, True, 0.1]]), "at least length 5"),
        (changed(trees=[[1, 0.5, True, 0.1, 0.1, 0.1]]), "at most length 5"),
        (changed(trees=[[1, "0.5", True, 0.1, 0.1]]), "Expected `float | null`"),
        (changed(trees=[[1, 0.5, 1, 0.1, 0.1]]), "Expected `bool`"),
        (changed(trees=[chain(65)]), "tree 0 has 65 leaves, 64 are allowed"),
        (changed(trees=[1.0, chain(100)]), "tree 1 has 100 leaves"),
        (changed().replace(b"0.1", b"1e999"), "out of range"),
        (changed().replace(b"0.1", b"NaN"), "invalid character"),
        (b'{"version":1,"features":1,"baseline":0,"trees":' + b"[1,1,true,0," * 100_000, "recursion"),
        (b'{"version":1,"more":' + b"[" * 100_000, "recursion"),
    ],
)
def test_what_is_no_tree_is_refused_with_the_reason(stored: bytes, says: str) -> None:
    with pytest.raises(TreesUnreadable, match=says):
        read_trees(stored)


def test_a_tree_of_as_many_leaves_as_are_allowed_is_read() -> None:
    scorer = TreeScorer(read_trees(changed(trees=[chain(trees.MAX_LEAVES)])))
    assert scorer.log_odds(np.array([[70.0, 0.0]])).tolist() == [0.5]


def test_files_and_forests_beyond_measure_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = [[0, float(number), False, 0.0, 0.1] for number in range(20)]
    monkeypatch.setattr(trees, "MAX_TABLE_SIZE", 20 * 20 - 1)
    with pytest.raises(TreesUnreadable, match="20 thresholds in 20 trees are too many: their product may be 399"):
        read_trees(changed(trees=forest))
    read_trees(changed(trees=forest[:19]))
    monkeypatch.setattr(trees, "MAX_TREES_BYTES", 30)
    with pytest.raises(TreesUnreadable, match="30 are allowed"):
        read_trees(changed())


def test_a_classifier_that_is_not_computed_here_is_refused() -> None:
    matrix, three = numbers(300, 0), np.arange(300) % 3
    categories = np.where(matrix[:, :1] > 0, 1.0, 0.0)
    categorical = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]).fit(categories, three > 0)
    for model, says in (
        (HistGradientBoostingClassifier(max_iter=1).fit(matrix, three), "it has 3 classes, two are wanted"),
        (HistGradientBoostingRegressor(max_iter=1).fit(matrix, three), "HistGradientBoostingRegressor is not a class"),
        (HistGradientBoostingClassifier(), "is, fitted"),
        (DummyClassifier().fit(matrix, three > 0), "DummyClassifier is not a classifier that is read here"),
        (fitted(max_leaf_nodes=None, rows=600, min_samples_leaf=1, max_iter=1), "leaves, 64 are allowed"),
        (fitted_to(categories, np.random.default_rng(0).random(300) < 0.2 + 0.6 * categories[:, 0]), "by categories"),
        (categorical, "by categories"),
    ):
        with pytest.raises(TreesUnreadable, match=says):
            trees_of(model)
    assert trees_of(fitted()).features == FEATURES


def fitted_to(matrix: Any, classes: Any) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]).fit(matrix, classes)


def test_a_split_is_as_readable_as_its_docstring_says() -> None:
    [tree] = read_trees(changed(trees=[[1, None, False, [0, 2.5, True, 1, 2], 3]])).trees
    assert tree == TreeSplit(1, None, False, TreeSplit(0, 2.5, True, 1.0, 2.0), 3.0)
    scorer = TreeScorer(BoostedTrees(version=1, features=2, baseline=0.0, trees=(tree,)))
    rows = [[0.0, 0.0], [3.0, math.inf], [math.nan, -math.inf], [0.0, math.nan]]
    assert scorer.log_odds(np.array(rows)).tolist() == [1.0, 2.0, 1.0, 3.0]

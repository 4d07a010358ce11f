"""An evaluation, part by part."""

from typing import Any

import numpy as np
import pytest

from streams.evaluation.baselines import baselines
from streams.evaluation.breakdown import by_confidence, by_evidence, error_over_confidence
from streams.evaluation.evaluation import Evaluation, evaluate
from streams.evaluation.metrics import Numbers
from streams.evaluation.predictions import EvaluationError, Predictions
from streams.evaluation.subject import Rival, Subject

N = 1_000


def surer_is_better(seed: int = 0, **columns: Any) -> Predictions:
    """Continuous outcomes whose distance from p falls with confidence; two groups, of which one is overrated."""
    rng = np.random.default_rng(seed)
    confidence = rng.random(N)
    p = rng.uniform(0.3, 0.7, N)
    sex = np.where(rng.random(N) < 0.5, "f", "m")
    off = 0.2 * (1 - confidence)
    outcome = np.clip(p + rng.normal(0, 1, N) * off / 2 - 0.1 * (sex == "m"), 0, 1)
    low, high = np.clip(p - 0.2, 0, 1), np.clip(p + 0.2, 0, 1)
    given = {"low": low, "high": high, "confidence": confidence, "evidence": np.arange(N) % 30}
    return Predictions.of(outcome, p, **(given | {"subgroups": {"sex": sex}} | columns))


def binary(seed: int = 0) -> tuple[Predictions, Numbers]:
    """A feature that says nearly all, and a p that says less."""
    rng = np.random.default_rng(seed)
    feature = rng.normal(0, 2, N)
    outcome = (rng.random(N) < 1 / (1 + np.exp(-feature))).astype(float)
    p = 1 / (1 + np.exp(-(feature + rng.normal(0, 2, N)) / 2))
    return Predictions.of(outcome, p, mask=np.where(rng.random(N) < 0.3, "model", "model+behaviour")), feature


def test_error_falls_over_confidence_where_it_does() -> None:
    deciles = by_confidence(surer_is_better())

    assert len(deciles) == 10
    assert [each["n"] for each in deciles] == [100] * 10
    assert error_over_confidence(deciles) == pytest.approx(-1, abs=0.1)


def test_deciles_are_fewer_where_students_are_and_none_where_they_are_too_few() -> None:
    predictions = surer_is_better()

    assert len(by_confidence(predictions.at(np.arange(350)))) == 3
    assert by_confidence(predictions.at(np.arange(199))) == []
    assert len(by_confidence(surer_is_better(confidence=np.full(N, 0.5)))) == 1, "equal confidence is one group"
    assert error_over_confidence(by_confidence(surer_is_better(confidence=np.full(N, 0.5)))) is None


def test_evidence_has_bins_that_do_not_depend_on_the_rows() -> None:
    bins = by_evidence(surer_is_better())

    assert list(bins) == ["0", "1-2", "3-4", "5-9", "10-19", "20-49"]
    assert sum(each["n"] for each in bins.values()) == N


def test_groups_of_students_have_their_gap_and_the_largest_is_named() -> None:
    evaluation = evaluate(Subject(predictions=surer_is_better()), 50)
    overrated = evaluation.subgroups["sex"]["m"]

    assert overrated["gap"] == pytest.approx(0.1, abs=0.02)
    assert overrated["gap_low"] < overrated["gap"] < overrated["gap_high"]
    assert evaluation.largest_gaps == {"sex": ("m", overrated["gap"])}


def test_a_group_of_few_students_is_shown_but_is_not_the_largest_gap() -> None:
    few = np.where(np.arange(N) < 99, "few", "many")
    evaluation = evaluate(Subject(predictions=surer_is_better(subgroups={"school": few})), 0)

    assert evaluation.subgroups["school"]["few"]["students"] == 99
    assert evaluation.largest_gaps["school"][0] == "many"


def test_groups_are_in_the_order_of_their_names_and_numbers_by_size() -> None:
    days = np.array(["120", "30", "none", "60", "7-8", "nan"])[np.arange(N) % 6]
    evaluation = evaluate(Subject(predictions=surer_is_better(subgroups={"day": days})), 0)

    assert list(evaluation.subgroups["day"]) == ["30", "60", "120", "7-8", "nan", "none"]


def test_a_column_that_names_students_is_not_compared() -> None:
    names = np.arange(N).astype(str)
    evaluation = evaluate(Subject(predictions=surer_is_better(subgroups={"name": names, "school": names > "5"})), 0)

    assert list(evaluation.subgroups) == ["school"]
    assert "name has more than 200 values, and is not compared" in evaluation.notes


def test_a_rival_is_compared_on_its_own_rows() -> None:
    predictions, _ = binary()
    rows = np.flatnonzero(predictions.mask == "model+behaviour")
    worse = Rival(predictions.at(rows).predicting(np.full(len(rows), 0.5)), rows)
    evaluation = evaluate(Subject(predictions=predictions, sources={"model alone": worse}), 50)
    alone = evaluation.sources["model alone"]

    assert alone["n"] == len(rows) == evaluation.by_mask["model+behaviour"]["n"]
    assert alone["gain"] == pytest.approx(alone["log_loss"] - evaluation.by_mask["model+behaviour"]["log_loss"])
    assert 0 < alone["gain_low"] < alone["gain"] < alone["gain_high"]


def test_outcomes_of_few_rows_are_of_the_kind_of_all() -> None:
    predictions = surer_is_better()
    two = Predictions.of([1.0, 1.0], [0.7, 0.8], low=[0.6, 0.6], high=[0.9, 1.0])
    given = Subject(predictions=predictions, earlier={"3_events": two}, sources={"alone": Rival(two, np.arange(2))})
    evaluation = evaluate(given, 0)

    assert evaluation.earlier["3_events"]["coverage"] == 0.5
    assert "log_loss" not in evaluation.sources["alone"]


def test_baselines_know_of_a_student_only_what_others_taught() -> None:
    predictions, feature = binary()
    scores = np.round(10 / (1 + np.exp(-feature)))
    found = baselines(predictions, scores, np.full(N, 10.0), feature[:, None])
    figures = {name: evaluate(Subject(predictions=each.predictions), 0).figures for name, each in found.items()}

    assert list(found) == ["constant", "shrunken_mean", "regression", "boosted_trees"]
    assert figures["constant"]["auc"] < 0.5, "whoever succeeds lowers the mean of the others"
    assert 0.8 < figures["boosted_trees"]["auc"] <= figures["regression"]["auc"] + 0.01
    assert figures["shrunken_mean"]["auc"] == pytest.approx(figures["regression"]["auc"], abs=0.01)
    noise = baselines(predictions, scores, np.zeros(N), np.random.default_rng(1).normal(size=(N, 3)))
    assert "shrunken_mean" not in noise, "there are no scores"
    assert evaluate(Subject(predictions=noise["boosted_trees"].predictions), 0).figures["auc"] < 0.55


def test_a_constant_has_an_interval_of_continuous_outcomes() -> None:
    predictions = surer_is_better()
    constant = baselines(predictions, np.zeros(N), np.zeros(N), np.zeros((N, 1)))["constant"]

    found = evaluate(Subject(predictions=constant.predictions), 0).figures
    assert found["coverage"] == pytest.approx(0.9, abs=0.02)
    assert found["interval_score"] > evaluate(Subject(predictions=predictions), 0).figures["interval_score"]


def test_learnt_baselines_have_intervals_of_continuous_outcomes_and_take_missing_features() -> None:
    predictions = surer_is_better()
    known = np.where(np.arange(N) % 3 > 0, predictions.outcome, np.nan)
    found = baselines(predictions, np.zeros(N), np.zeros(N), known[:, None])
    figures = {name: evaluate(Subject(predictions=each.predictions), 0).figures for name, each in found.items()}

    for name in ("regression", "boosted_trees"):
        assert figures[name]["coverage"] == pytest.approx(0.9, abs=0.02)
        assert figures[name]["brier"] < figures["constant"]["brier"]


def test_too_few_students_have_no_baselines_and_columns_of_nan_teach_nothing() -> None:
    predictions, feature = binary()
    nan = np.full((N, 2), np.nan)
    assert baselines(predictions.at(np.arange(4)), np.zeros(4), np.zeros(4), feature[:4, None]) == {}
    assert list(baselines(predictions, np.zeros(N), np.zeros(N), nan)) == ["constant"]


def test_a_feature_that_only_one_student_has_is_missing_where_the_others_teach() -> None:
    predictions, feature = binary()
    whose = np.where(np.arange(N) < 200, "one", predictions.student)
    predictions = Predictions.of(predictions.outcome, predictions.p, student=whose)
    features = np.where(whose == "one", feature, np.nan)[:, None]

    found = baselines(predictions, np.zeros(N), np.zeros(N), features)["boosted_trees"].predictions.p
    assert np.all(np.ptp(found[:200]) < 1e-9), "nobody else could teach what it means"


def test_json_has_the_figures_by_their_names_and_all_else_beside_them() -> None:
    predictions, _ = binary()
    found = evaluate(Subject(predictions=predictions, figures={"unscored": 0.0}, notes=("of the maker",)), 20).as_json()

    assert {"n", "auc", "log_loss", "brier", "ece", "slope", "unscored", "intervals", "by_mask"} <= found.keys()
    assert found["n"] == N
    assert found["intervals"]["auc"][0] < found["auc"] < found["intervals"]["auc"][1]
    assert found["notes"][0] == "of the maker"


@pytest.mark.parametrize(
    ("outcome", "says"),
    [(np.ones(3), "every outcome is 1"), (np.array([0, 1, 0]), "0 or 1"), (np.full(3, 0.4), "continuous")],
)
def test_what_is_not_defined_is_said(outcome: Numbers, says: str) -> None:
    p = np.array([0.2, 0.5, 0.7])
    predictions = Predictions.of(outcome, p, low=p - 0.1, high=p + 0.1, confidence=p)
    evaluation: Evaluation = evaluate(Subject(predictions=predictions), 5)

    assert says in " ".join(evaluation.notes)
    assert "too few students" in " ".join(evaluation.notes)


def test_of_intervals_and_confidence_that_nobody_gave_nothing_is_said() -> None:
    assert evaluate(Subject(predictions=Predictions.of([0, 1], [0.2, 0.7])), 0).notes == []


def test_nothing_to_evaluate_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="no label"):
        evaluate(Subject(predictions=Predictions.of([], [])))

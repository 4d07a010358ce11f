"""Training on a simulated class: what is learnt, what is refused, what is stored."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.errors import Fatal
from streams.evidence.artifacts import ArtifactError, Card, load_artifact, save_artifact
from streams.evidence.features import FEATURES, ROW_COLUMNS
from streams.evidence.tree_scorer import TreeScorer
from streams.evidence.trees import write_trees
from streams.training.classifier import fit, matching
from streams.training.errors import TrainingError
from streams.training.holdout import holdout_figures
from streams.training.labelled import predictions_of, score_moments
from streams.training.labels import StudentGroups
from streams.training.moments import Moment, moments_of
from streams.training.trainer import Plan, Trained, train
from streams.vocabulary import Fact
from tests.events import default_skills
from tests.unit.training import simulated

SKILL = "problem_solving"


@cache
def class_moments(steps: int = 2) -> list[Moment]:
    process = moments_of(simulated.records(simulated.lines()), simulated.labels(), default_skills(), steps)
    moments, _ = asyncio.run(process)
    return moments


@cache
def trained() -> Trained:
    return train(class_moments(), Plan("simulated", default_skills(), folds=3, labels_source="simulated"))


def test_the_card_tells_what_was_learnt_from_what_and_how_well() -> None:
    card = trained().card.skills[SKILL]

    assert (card.examples, card.students, card.labels) == (simulated.STUDENTS, simulated.STUDENTS, "simulated")
    assert 0.8 < card.metrics["auc"] < 0.97, "one label in ten is noise: more would be a leak"
    assert card.metrics["n"] == simulated.STUDENTS
    assert card.metrics["auc_at_50_percent"] < card.metrics["auc"] + 0.05
    assert card.fusion is not None
    assert set(trained().card.trained_with) == {"python", "skillstream", "scikit-learn", "numpy"}


def test_the_card_tells_what_the_students_did_and_how_far_each_feature_went() -> None:
    card = trained().card.skills[SKILL]
    assert card.trained_on is not None

    assert set(card.trained_on.facts) >= {"set_controls", "varied_one", "varied_some"}
    assert not {"attempted", "submitted", "wrote"} & set(card.trained_on.facts)
    assert list(card.trained_on.ranges) == list(card.features)
    moves = card.trained_on.ranges["set_controls.n"]
    assert (moves.low, moves.high, moves.missing) == (simulated.ACTIONS / 2, simulated.ACTIONS, False)


def test_the_fit_is_the_same_each_time() -> None:
    again = train(class_moments(), Plan("simulated", default_skills(), folds=3, labels_source="simulated"))
    assert again.card == trained().card
    assert write_trees(again.models[SKILL]) == write_trees(trained().models[SKILL])


def test_features_that_say_nothing_are_left_out() -> None:
    features = trained().card.skills[SKILL].features
    assert "varied_one.n" in features
    assert "attempted.n" not in features
    assert "varied_one.sd" not in features


def test_a_column_of_nothing_but_nan_does_not_stop_training() -> None:
    rng = np.random.default_rng(1)
    noted: NDArray[np.float64] = rng.random(200)
    matrix = np.column_stack([np.full(200, np.nan), noted, np.ones(200)])
    fitted = fit(matrix, ("a", "b", "c"), np.asarray(noted > 0.5, dtype=np.float64), np.ones(200), 0)
    assert fitted.features == ("b",)


def test_labels_that_nothing_can_be_learnt_from_are_refused() -> None:
    with pytest.raises(TrainingError, match="constant"):
        fit(np.ones((100, 2)), ("a", "b"), np.tile([0.0, 1.0], 50), np.ones(100), 0)
    with pytest.raises(TrainingError, match="all labels are equal"):
        fit(np.arange(100.0)[:, None], ("a",), np.ones(100), np.ones(100), 0)
    with pytest.raises(TrainingError, match="too few"):
        train(class_moments()[:4], Plan("few", default_skills()))
    with pytest.raises(TrainingError, match="same in both files"):
        train([], Plan("none", default_skills()))


def test_inputs_are_patterns_of_feature_names() -> None:
    assert matching(()) == FEATURES
    assert matching(["reset.*", "!*.recent_*", "!*.age_days"]) == ("reset.n", "reset.mean", "reset.sd")
    assert matching(["!*.*"]) == tuple(ROW_COLUMNS)
    assert matching(["days", "events_*"]) == ("days", "events_z", "events_rank"), "against norms only if they are named"
    with pytest.raises(TrainingError, match="'speed'"):
        matching(["speed"])


def test_held_out_students_have_figures_of_the_fused_score_and_of_the_model(tmp_path: Path) -> None:
    artifact = save_artifact(tmp_path, trained().card, trained().models)
    twice = [*simulated.labels(5.5), *simulated.labels()]
    states, _ = asyncio.run(moments_of(simulated.records(simulated.lines(seed=2)), twice, default_skills()))
    scored = asyncio.run(score_moments(states, default_skills(), artifact))
    fused, model = (
        predictions_of(scored, default_skills(), artifact, StudentGroups(), sources)[SKILL]
        for sources in (None, ["model"])
    )
    found = holdout_figures(fused, model)

    assert found["fused_auc_holdout_of_label_2"] > 0.8
    assert found["fused_auc_holdout"] > found["model_auc_holdout"] - 0.05
    assert found["fused_n_holdout_of_label_1"] == simulated.STUDENTS
    assert found["unscored_holdout"] == 0
    unknown = holdout_figures(fused.predicting(fused.p), model)
    assert unknown["unscored_holdout"] == len(fused), "without a confidence nothing was known"


def test_people_are_never_on_both_sides(tmp_path: Path) -> None:
    everybody = StudentGroups(re.compile("^s"))
    with pytest.raises(TrainingError, match="1 students are too few"):
        train(class_moments(), Plan("one person", default_skills(), groups=everybody))


def stored(folder: Path) -> Path:
    save_artifact(folder, trained().card, trained().models)
    return folder


def test_an_artifact_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    good = trained().card
    two = msgspec.structs.replace(good, skills={**good.skills, "empathy": good.skills[SKILL]})
    with pytest.raises(KeyError, match="empathy"):
        save_artifact(tmp_path / "new", two, trained().models)  # which has no model of it
    assert list(tmp_path.iterdir()) == []

    before = {path.name: path.read_bytes() for path in stored(tmp_path / "old").iterdir()}
    with pytest.raises(KeyError, match="empathy"):
        save_artifact(tmp_path / "old", two, trained().models)
    assert {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before
    assert load_artifact(str(stored(tmp_path / "old"))).card.name == good.name


def rewrite(folder: Path, **changed: object) -> None:
    card = msgspec.json.decode((folder / "card.json").read_bytes(), type=Card)
    (folder / "card.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(card, **changed)))


def test_a_card_that_does_not_say_what_it_was_trained_on_is_read(tmp_path: Path) -> None:
    save_artifact(tmp_path / "former", trained().card, trained().models)
    path = tmp_path / "former" / "card.json"
    card = msgspec.json.decode(path.read_bytes())
    for name in ("trained_on", "indicators"):
        del card["skills"][SKILL][name]
    del card["platforms"]
    path.write_bytes(msgspec.json.encode(card))

    read = load_artifact(str(path.parent)).card

    assert (read.platforms, read.skills[SKILL].trained_on, read.skills[SKILL].indicators) == ({}, None, {})


def test_a_stored_artifact_predicts_as_the_trained_one(tmp_path: Path) -> None:
    artifact = load_artifact(str(stored(tmp_path)))
    matrix = np.random.default_rng(1).random((50, len(artifact.card.skills[SKILL].features)))
    expected = TreeScorer(trained().models[SKILL]).log_odds(matrix)
    assert np.array_equal(TreeScorer(artifact.models[SKILL]).log_odds(matrix), expected)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1_000_000


def test_an_artifact_of_a_feature_that_means_something_else_by_now_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stored(tmp_path)
    assert "varied_one.n" in load_artifact(str(folder)).card.skills[SKILL].features
    monkeypatch.setattr(Fact.ATTEMPTED, "revision", 2)  # which it does not read
    load_artifact(str(folder))
    monkeypatch.setattr(Fact.VARIED_ONE, "revision", 2)
    with pytest.raises(ArtifactError, match=r"reads varied_one\.\w+ of revision 1, which means something else"):
        load_artifact(str(folder))
    again = train(class_moments(), Plan("simulated", default_skills(), folds=3))
    assert again.card.skills[SKILL].revisions["varied_one.n"] == 2
    assert load_artifact(str(save_again(tmp_path / "again", again)))


def save_again(folder: Path, trained: Trained) -> Path:
    save_artifact(folder, trained.card, trained.models)
    return folder


def test_an_artifact_of_a_feature_that_is_not_computed_is_refused(tmp_path: Path) -> None:
    folder = stored(tmp_path)
    card = (folder / "card.json").read_text(encoding="utf-8")
    (folder / "card.json").write_text(card.replace('"varied_one.n"', '"varied_two.n"'), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"reads varied_two\.n of revision 1, which is not computed here: train it"):
        load_artifact(str(folder))


def test_a_model_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    model = stored(tmp_path) / f"{SKILL}.trees.json"
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(Fatal, match="is not the file its card describes"):
        load_artifact(str(tmp_path))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda whole: whole[:-30], "truncated"),
        (lambda whole: b"", "truncated"),
        (lambda whole: b"no JSON at all", "invalid character"),
        (lambda whole: whole.replace(b'"version":1', b'"version":2'), "version 2, 1 is read here"),
        (lambda whole: whole.replace(b'"features":', b'"features":1'), r"reads 1\d+ features, its card has \d+"),
    ],
    ids=["end", "empty", "text", "newer", "other features"],
)
def test_a_model_file_that_holds_no_such_model_is_refused_though_its_hash_fits(
    tmp_path: Path, damage: Callable[[bytes], bytes], says: str
) -> None:
    model = stored(tmp_path) / f"{SKILL}.trees.json"
    damaged = damage(model.read_bytes())
    model.write_bytes(damaged)
    card = msgspec.json.decode((tmp_path / "card.json").read_bytes(), type=Card)
    skill = msgspec.structs.replace(card.skills[SKILL], sha256=hashlib.sha256(damaged).hexdigest())
    rewrite(tmp_path, skills={SKILL: skill})

    with pytest.raises(ArtifactError, match=rf"{SKILL}\.trees\.json.*{says}.*train it again"):
        load_artifact(str(tmp_path))


@pytest.mark.parametrize("path", ["", "card.json", f"{SKILL}.trees.json"])
def test_a_file_is_no_artifact_s_folder(tmp_path: Path, path: str) -> None:
    stored(tmp_path)

    with pytest.raises(ArtifactError, match=r"name the folder that holds its card\.json"):
        load_artifact(str(tmp_path / path) if path else "")


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    (stored(tmp_path) / f"{SKILL}.trees.json").unlink()
    with pytest.raises(Fatal, match=rf"{SKILL}\.trees.json"):
        load_artifact(str(tmp_path))


def test_a_model_file_outside_of_the_folder_is_refused(tmp_path: Path) -> None:
    stored(tmp_path / "artifact")
    card = trained().card.skills[SKILL]
    rewrite(tmp_path / "artifact", skills={SKILL: msgspec.structs.replace(card, file="../elsewhere.trees.json")})
    with pytest.raises(Fatal, match="outside"):
        load_artifact(str(tmp_path / "artifact"))


def decode_minute(offset: int) -> int:
    """The minute of the class that the line at `offset` was written in."""
    return offset // simulated.STUDENTS

"""Artifacts of before: their classifiers, stored by skops, score as they did; what was tampered with is refused."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from streams.evidence import former_models
from streams.evidence.artifacts import ArtifactError, Card, load_artifact, save_artifact
from streams.evidence.features import FEATURES
from streams.evidence.tree_scorer import TreeScorer
from tests.unit.training import boosting
from tests.unit.training.former import SKILL, bytes_of, former_artifact


def test_a_former_artifact_scores_as_it_did_and_is_saved_as_trees(tmp_path: Path) -> None:
    model, matrix = boosting.fitted(), boosting.numbers(100, 1)
    artifact = load_artifact(former_artifact(tmp_path, bytes_of(model)))
    saved = save_artifact(tmp_path / "now", artifact.card, artifact.models)

    for each in (artifact, saved):
        assert np.array_equal(TreeScorer(each.models[SKILL]).probability(matrix), model.predict_proba(matrix)[:, 1])
    assert saved.card.skills[SKILL].file == f"{SKILL}.trees.json"
    assert [path.name for path in sorted((tmp_path / "now").iterdir())] == ["card.json", f"{SKILL}.trees.json"]


def tampered(whole: bytes) -> bytes:
    """The archive, with a schema that names what is not there."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as before, zipfile.ZipFile(packed, "w") as after:
        for name in before.namelist():
            after.writestr(name, b'{"__class__": 1}' if name == "schema.json" else before.read(name))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda whole: whole[: len(whole) // 2], "damaged"),
        (lambda whole: whole[:-30], "damaged"),
        (lambda whole: b"", "damaged"),
        (lambda whole: b"no archive at all", "damaged"),
        (lambda whole: whole.replace(b"schema.json", b"skhema.json"), "damaged"),
        (tampered, "damaged"),
        (lambda whole: bytes_of({"a": 1}), "dict is not a classifier"),
        (lambda whole: bytes_of(np.zeros(3)), "ndarray is not a classifier"),
        (lambda whole: bytes_of(DummyRegressor().fit([[0.0]], [1.0])), "DummyRegressor is not a classifier"),
        (lambda whole: bytes_of(DummyClassifier().fit([[0.0], [1.0]], [0, 1])), "DummyClassifier is not a class"),
        (lambda whole: bytes_of(boosting.fitted(max_leaf_nodes=None, rows=600, min_samples_leaf=1)), "64 are allowed"),
    ],
    ids=["half", "end", "empty", "text", "no schema", "tampered", "dict", "array", "regressor", "dummy", "leaves"],
)
def test_a_former_model_that_is_none_is_refused_though_its_hash_fits(
    tmp_path: Path, damage: Callable[[bytes], bytes], says: str
) -> None:
    artifact = former_artifact(tmp_path, damage(bytes_of(boosting.fitted())))
    with pytest.raises(ArtifactError, match=rf"{SKILL}\.skops.*{says}.*train it again"):
        load_artifact(artifact)


def test_a_former_model_of_other_features_is_refused(tmp_path: Path) -> None:
    former_artifact(tmp_path, bytes_of(boosting.fitted()))
    card = msgspec.json.decode((tmp_path / "card.json").read_bytes(), type=Card)
    fewer = msgspec.structs.replace(card.skills[SKILL], features=FEATURES[:2])
    (tmp_path / "card.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(card, skills={SKILL: fewer})))
    with pytest.raises(ArtifactError, match="reads 5 features, its card has 2"):
        load_artifact(str(tmp_path))


def test_a_former_model_that_unpacks_beyond_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = former_artifact(tmp_path, bytes_of(boosting.fitted()))
    monkeypatch.setattr(former_models, "MAX_FORMER_BYTES", 10)
    with pytest.raises(ArtifactError, match="10 are allowed"):
        load_artifact(artifact)


class Exploit:
    """What a pickle may do on loading."""

    ran = False

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exploited, ("now",)


def exploited(_when: str) -> None:
    """Told apart from a refusal: this must never be called."""
    Exploit.ran = True


def test_a_pickle_within_a_former_model_is_never_run(tmp_path: Path) -> None:
    harmful = io.BytesIO()
    with zipfile.ZipFile(harmful, "w") as archive:
        archive.writestr("schema.json", SCHEMA)
        archive.writestr("content.pkl", pickle.dumps(Exploit()))
    artifact = former_artifact(tmp_path, harmful.getvalue())
    with pytest.raises(ArtifactError, match=r"types not trusted: .*exploited"):
        load_artifact(artifact)
    assert not Exploit.ran


SCHEMA = msgspec.json.encode(
    {
        "__class__": "exploited",
        "__module__": __name__,
        "__loader__": "FunctionNode",
        "__id__": 1,
        "content": {"module_path": __name__, "function": "exploited"},
        "protocol": 2,
        "_skops_version": "0.16.0",
    }
).decode()

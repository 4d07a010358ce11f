"""The shipped artifacts: they load, they are small, they judge what they were trained on and nothing else."""

from importlib.resources import files
from pathlib import Path

import pytest

from schemas.event import NativeEvent
from streams.evidence.artifacts import load_artifact
from streams.evidence.model import ModelSource
from streams.evidence.source import Estimate, EstimateStatus
from tests.events import event, folded, row_batch_of

SKILLS = {"default": "problem_solving", "course_success": "course_success"}


@pytest.mark.parametrize(("name", "skill"), SKILLS.items())
def test_a_shipped_artifact_loads_and_says_what_it_rests_on(name: str, skill: str) -> None:
    artifact = load_artifact(name)
    card = artifact.card.skills[skill]

    assert artifact.card.name == name
    assert "real labels" in card.labels
    assert card.metrics["fused_n_holdout"] > 1_000
    assert card.metrics["fused_auc_holdout"] > card.metrics["model_auc_holdout"] - 0.005
    folder = Path(str(files("streams") / "builtin" / name))
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_000_000


def test_the_default_model_reads_simulations_alone() -> None:
    features = load_artifact("default").card.skills["problem_solving"].features
    elsewhere = ("events", "days", "attempted", "submitted", "wrote", "sat_down", "worked")
    assert not [name for name in features if name.split(".")[0] in elsewhere]


def test_the_bank_to_start_with_knows_no_item_and_leaves_them_to_norms() -> None:
    artifact = load_artifact("mastery_start")
    bank, card = artifact.banks["mastery"], artifact.card.skills["mastery"]

    assert (bank.items, bank.with_item.components, bank.without_item.components) == ({}, {}, {})
    assert 0.5 < bank.with_item.learnt_items < 1.5
    assert 0.25 < bank.with_item.learnt_components < 1.5
    assert card.students > 1_000
    assert card.metrics["auc"] > 0.72


def estimate(*events: NativeEvent) -> Estimate:
    return ModelSource(load_artifact("default"), ["problem_solving"]).compute(row_batch_of(folded(*events)))


def test_varying_one_control_at_a_time_is_judged_better_than_varying_all() -> None:
    names = ("top", "central", "bottom")
    alone = [
        event("control", minute=m, controls={n: float(n == names[m % 3]) for n in names}, changed=1, duration_s=8.0)
        for m in range(12)
    ]
    at_once = [
        event("control", minute=m, controls=dict.fromkeys(names, float(1 + m % 2)), changed=3, duration_s=8.0)
        for m in range(12)
    ]
    assert estimate(*alone).p[0, 0] > estimate(*at_once).p[0, 0] + 0.2


def test_an_action_is_one_observation_and_a_sitting_none() -> None:
    action = event("control", minute=0, controls={"top": 1.0}, changed=1, duration_s=3.0)
    sittings = [event("session", phase="start", minute=-1), event("session", phase="end", minute=2, duration_s=2.0)]

    assert estimate(action, *sittings).n[0, 0] == pytest.approx(1.0, abs=1e-3)
    assert estimate(*sittings).status[0, 0] == EstimateStatus.ABSENT
    assert estimate(event("attempt")).status[0, 0] == EstimateStatus.ABSENT

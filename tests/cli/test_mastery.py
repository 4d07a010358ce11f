"""`skillstream train` and `evaluate` with the skill set `mastery`: no labels, only answers."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Ran, Run
from tests.events import raw
from tests.unit.training.mastery import quizzes


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return quizzes.write(tmp_path, quizzes.lines(students=70, answers=24))


def train(run: Run, events: Path, out: Path, *more: Any) -> Ran:
    return run("train", events, "--skills", "mastery", "--folds", 2, "--out", out, *more)


def test_a_history_makes_a_bank_and_another_judges_it(run: Run, events: Path, tmp_path: Path) -> None:
    made = train(run, events, tmp_path / "bank", "--json")
    others = tmp_path / "others"
    others.mkdir()
    unseen = quizzes.write(others, quizzes.lines(students=40, answers=24, seed=2))
    judged = run("evaluate", unseen, "--skills", "mastery", "--model", tmp_path / "bank", "--bootstrap", 5, "--json")

    assert made.code == 0
    summary = orjson.loads(made.out)
    assert (summary["answers"], summary["items"], summary["components"]) == (70 * 24, 16, 2)
    assert "folding answers: " in made.err, "progress is told where there is no terminal"
    assert judged.code == 0
    found = orjson.loads(judged.out.splitlines()[-1])["skills"]["mastery"]
    assert found["n"] == 40 * 24
    assert found["auc"] > 0.65
    assert {"log_loss", "brier", "ece", "slope", "item_free_ece", "coverage", "width", "interval_score"} <= found.keys()
    assert {"coverage_at_10", "width_at_10", "interval_score_at_10", "students_at_10"} <= found.keys()
    assert found["students_at_10"] == 40
    assert found["baselines"].keys() >= {"constant", "shrunken_mean", "pfa", "elo"}
    outlook = orjson.loads(judged.out.splitlines()[-1])["skills"]["mastery_outlook"]
    assert outlook["coverage"] == found["coverage"]
    assert outlook["interval_score"] < outlook["baselines"]["constant"]["interval_score"]
    assert found["baselines"]["constant"]["log_loss"] > found["log_loss"]


def test_only_the_first_200_answers_of_a_student_are_judged(run: Run, events: Path, tmp_path: Path) -> None:
    train(run, events, tmp_path / "bank")
    long = quizzes.write(tmp_path, quizzes.lines(students=2, answers=230))
    ran = run("evaluate", long, "--skills", "mastery", "--model", tmp_path / "bank", "--bootstrap", 0, "--json")
    assert orjson.loads(ran.out.splitlines()[-1])["skills"]["mastery"]["n"] == 400


def test_a_replay_writes_all_components_of_every_student(run: Run, events: Path, tmp_path: Path) -> None:
    train(run, events, tmp_path / "bank")
    names = [f"k{number}" for number in range(12)]
    one = tmp_path / "one.jsonl"
    one.write_bytes(b"\n".join(raw("attempt", "ada", minute=at, kcs=[name]) for at, name in enumerate(names)))
    replay = ("replay", one, "--skills", "mastery", "--mastery")

    ran = run(*replay, tmp_path / "all.jsonl", "--model", tmp_path / "bank", "--out", tmp_path / "updates.jsonl")
    without = run(*replay, tmp_path / "none.jsonl", "--model", "none")

    assert ran.code == 0
    written = orjson.loads((tmp_path / "all.jsonl").read_bytes())
    last = orjson.loads((tmp_path / "updates.jsonl").read_bytes().splitlines()[-1])
    assert (written["student_id"], [each["component"] for each in written["mastery"]]) == ("ada", names[::-1])
    for listed, said in zip(written["mastery"], last["mastery"], strict=False):
        assert (listed["component"], listed["n"]) == (said["component"], said["n"])
        assert listed["p"] == pytest.approx(said["p"], abs=1e-4)
    assert (without.code, "needs a model with an item bank" in without.err) == (2, True)


def test_an_empty_bank_learns_items_while_students_come_one_after_the_other(
    run: Run, events: Path, tmp_path: Path
) -> None:
    made = train(run, quizzes.write(tmp_path, quizzes.in_turn(12, students=72)), tmp_path / "start", "--empty-bank")
    others = tmp_path / "others"
    others.mkdir()
    unseen = quizzes.write(others, quizzes.in_turn(12, students=72, seed=2))
    judge = ("evaluate", unseen, "--skills", "mastery", "--model", tmp_path / "start", "--bootstrap", 0, "--json")
    under_norms, without = (
        orjson.loads(run(*judge, "--norms-every", hours).out.splitlines()[-1])["skills"]["mastery"] for hours in (24, 0)
    )

    assert made.code == 0
    bank = orjson.loads((tmp_path / "start" / "mastery.bank.json").read_bytes())
    assert (bank["items"], bank["with_item"]["components"]) == ({}, {})
    assert "auc_second_half" not in without
    assert under_norms["auc_second_half"] > 0.6
    assert under_norms["auc"] > without["auc"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--empty-bank", "--norms-every", 0), "--norms-every may not be 0"),
        (("--empty-bank",), "ten students"),
        (("--empty-bank", "--skills", "default"), "is scored by knowledge components"),
    ],
)
def test_an_empty_bank_needs_norms(run: Run, events: Path, tmp_path: Path, more: tuple[object, ...], says: str) -> None:
    ran = train(run, events, tmp_path / "bank", *more)
    assert (ran.code, says in ran.err) == (2, True)
    assert not (tmp_path / "bank").exists()


def test_training_twice_gives_the_same_files(run: Run, events: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert train(run, events, tmp_path / name, "--name", "bank").code == 0
    for file in ("card.json", "mastery.bank.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([raw("attempt", f"s{number}") for number in range(50)], "no attempt names knowledge components"),
        (quizzes.lines(students=5, answers=10), "5 students have answers, 50 are needed"),
        ([b"nonsense"], "no attempt names knowledge components"),
    ],
)
def test_what_cannot_be_learnt_from_is_said_and_leaves_nothing(
    run: Run, tmp_path: Path, values: list[bytes], says: str
) -> None:
    ran = train(run, quizzes.write(tmp_path, values), tmp_path / "bank")

    assert ran.code == 2
    assert says in ran.err
    assert not (tmp_path / "bank").exists()


@pytest.mark.parametrize(
    "kcs", [[f"k{number}" for number in range(300)], ["x" * 10_240], [""], "k1"], ids=["300", "10 kB", "empty", "text"]
)
def test_components_that_cannot_be_are_told_with_their_line_and_the_rest_is_learnt(
    run: Run, tmp_path: Path, kcs: object
) -> None:
    lines = quizzes.lines(students=60, answers=14)
    events = quizzes.write(tmp_path, [*lines, raw("attempt", "zoe", kcs=kcs)])
    ran = train(run, events, tmp_path / "bank")

    assert ran.code == 0
    assert f"events.jsonl:{len(lines) + 1}: " in ran.err
    assert "kcs" in ran.err


def test_options_that_mean_nothing_here_are_refused(run: Run, events: Path, tmp_path: Path) -> None:
    labelled = run("train", events, "labels.csv", "--skills", "mastery", "--out", tmp_path / "bank")
    held_out = train(run, events, tmp_path / "bank", "--holdout", 0.2)
    assert (labelled.code, "give no LABELS" in labelled.err) == (2, True)
    assert (held_out.code, "leave out --holdout" in held_out.err) == (2, True)


def test_an_artifact_without_a_bank_cannot_be_judged(run: Run, events: Path) -> None:
    ran = run("evaluate", events, "--skills", "mastery", "--model", "default", "--json")
    assert ran.code == 2
    assert "the artifact has no item bank for mastery" in ran.err


def test_labels_are_still_needed_for_other_skills(run: Run, events: Path, tmp_path: Path) -> None:
    ran = run("train", events, "--out", tmp_path / "model")
    assert ran.code == 2
    assert "name a file of LABELS" in ran.err

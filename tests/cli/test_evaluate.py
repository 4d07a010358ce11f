"""`skillstream evaluate`: an artifact judged on a simulated class."""

from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import Run
from tests.unit.training import simulated

HEADER = "student,skill,as_of,label"


@pytest.fixture
def class_of(tmp_path: Path) -> tuple[Path, Path]:
    return simulated.write(tmp_path, students=120)


def rewrite(labels: Path, *rows: str, header: str = HEADER) -> Path:
    labels.write_text("\n".join([header, *rows]) + "\n")
    return labels


def test_an_evaluation_ends_with_one_object_of_figures_by_skill(run: Run, class_of: tuple[Path, Path]) -> None:
    ran = run("evaluate", *class_of, "--model", "default", "--bootstrap", 10, "--json")

    assert ran.code == 0
    found = orjson.loads(ran.out.splitlines()[-1])
    skill = found["skills"]["problem_solving"]
    assert skill["n"] == 120
    assert {"auc", "log_loss", "brier", "ece", "slope", "width"} <= skill.keys()
    assert skill["auc"] > 0.7
    assert list(skill["earlier"]) == ["3_events", "5_events", "8_events"]
    assert skill["sources"].keys() >= {"model alone", "without model"}
    assert skill["baselines"].keys() == {"constant", "regression", "boosted_trees"}
    assert "scoring states: 480" in ran.err, "progress is told where there is no terminal"


def test_the_same_seed_gives_the_same_bytes(run: Run, class_of: tuple[Path, Path]) -> None:
    once, again = (run("evaluate", *class_of, "--bootstrap", 5, "--json").out for _ in range(2))
    assert once == again


def test_people_read_tables_of_at_most_80_columns(run: Run, class_of: tuple[Path, Path]) -> None:
    events, labels = class_of
    rows = [f"{row},{'north' if number % 2 else 'south'}" for number, row in enumerate(labels.read_text().split()[1:])]
    ran = run("evaluate", events, rewrite(labels, *rows, header=f"{HEADER},school"), "--bootstrap", 5)

    assert ran.code == 0
    assert max(len(line.rstrip()) for line in ran.out.splitlines() if not line.startswith("note:")) <= 80
    for told in ("problem_solving", "by present sources", "baselines", "by school", "north", "log loss"):
        assert told in ran.out


def test_continuous_labels_have_no_auc_and_it_is_said(run: Run, class_of: tuple[Path, Path]) -> None:
    events, labels = class_of
    rows = [f"{row[:-1]}0.{row[-1]}{number % 10}" for number, row in enumerate(labels.read_text().split()[1:])]
    ran = run("evaluate", events, rewrite(labels, *rows), "--bootstrap", 5, "--json")

    skill = orjson.loads(ran.out)["skills"]["problem_solving"]
    assert {"coverage", "width", "interval_score"} <= skill.keys()
    assert "auc" not in skill
    assert "the outcome is continuous" in skill["notes"][0]
    assert "interval_score" in skill["baselines"]["constant"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["s1,problem_solving,2026-03-02T12:00:00Z,nan"], "line 2: label nan"),
        (["s1,patience,2026-03-02T12:00:00Z,1"], "no skill 'patience'"),
        (["s1,empathy,2026-03-02T12:00:00Z,1"] * 2, "line 3: s1 has a label"),
        (["nobody,empathy,2026-03-02T12:00:00Z,1"], "no label has an event by its as_of"),
        (["s1,problem_solving,1999-03-02T12:00:00Z,1"], "no label has an event by its as_of"),
        ([], "no labels"),
    ],
)
def test_labels_that_cannot_be_used_end_it_with_2(
    run: Run, class_of: tuple[Path, Path], rows: list[str], says: str
) -> None:
    ran = run("evaluate", class_of[0], rewrite(class_of[1], *rows), "--json")

    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_what_can_be_judged_is_judged_and_the_rest_is_named(run: Run, class_of: tuple[Path, Path]) -> None:
    events, labels = class_of
    good = labels.read_text().split()[1:41]
    early = "s50,problem_solving,1999-03-02T12:00:00Z,1"
    late = "s51,problem_solving,2999-03-02T12:00:00Z,1"
    ran = run(
        "evaluate", events, rewrite(labels, *good, early, late, "nobody,empathy,2026-03-02T12:00:00Z,1"), "--json"
    )

    found = orjson.loads(ran.out)
    assert ran.code == 0
    assert found["skills"]["problem_solving"]["n"] == 41
    noted = " ".join(found["notes"])
    assert "left out, labels without an event of their student by their as_of: 2" in noted
    assert "nobody, s50" in ran.err
    assert "s50" not in ran.out, "figures and reports hold no student's id"
    assert "labels as of a time after the last event of all: 1" in noted
    assert "empathy: none of its labels can be evaluated" in noted
    assert all(f"note: {note}" in ran.err for note in found["notes"])


def test_one_class_is_judged_as_far_as_it_goes(run: Run, class_of: tuple[Path, Path]) -> None:
    events, labels = class_of
    rows = [f"{row[:-1]}1" for row in labels.read_text().split()[1:]]
    skill = orjson.loads(run("evaluate", events, rewrite(labels, *rows), "--bootstrap", 5, "--json").out)["skills"]

    assert "auc" not in skill["problem_solving"]
    assert "brier" in skill["problem_solving"]
    assert "every outcome is 1" in skill["problem_solving"]["notes"][0]


def test_wrong_usage_is_told(run: Run, class_of: tuple[Path, Path], tmp_path: Path) -> None:
    events, labels = class_of
    assert "name a file of LABELS: no skill of default names an outcome" in (ran := run("evaluate", events)).err
    assert ran.code == 2
    assert run("evaluate", "-", labels).code == 2
    assert run("evaluate", events, labels, "--person", "(").code == 2
    assert run("evaluate", events, labels, "--model", tmp_path / "none").code == 2
    assert run("evaluate", tmp_path / "none.jsonl", labels).code == 3


def test_a_model_without_a_label_is_named(run: Run, class_of: tuple[Path, Path]) -> None:
    events, labels = class_of
    rows = [row.replace("problem_solving", "resilience") for row in labels.read_text().split()[1:]]
    ran = run("evaluate", events, rewrite(labels, *rows), "--bootstrap", 0, "--json")

    assert ran.code == 0
    assert "problem_solving: the artifact has a model of it, but there is no label of it" in ran.err


def test_a_report_is_written_and_its_folder_made(run: Run, class_of: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "some" / "report"
    ran = run("evaluate", *class_of, "--bootstrap", 5, "--json", "--report", folder)

    assert ran.code == 0
    assert f"written: {folder / 'index.html'}" in ran.err
    assert "problem solving" in (folder / "index.html").read_text("utf-8")
    assert "skills" in orjson.loads(ran.out), "standard output is the figures' alone"


def test_a_report_that_cannot_be_written_is_told(run: Run, class_of: tuple[Path, Path]) -> None:
    ran = run("evaluate", *class_of, "--bootstrap", 0, "--report", class_of[0] / "report")

    assert ran.code == 3
    assert "events.jsonl" in ran.err

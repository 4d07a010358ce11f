"""What labels may be wrong in: a clear message, and nothing half-written."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import Run
from tests.events import NOW
from tests.unit.training import simulated

Change = Callable[[list[str]], list[str]]
INPUTS = ("--folds", 2, "--counts", "3", "--inputs", "varied_*.n,controls_*")


def in_cohorts(rows: list[str]) -> list[str]:
    """The first half, who all solved the task, are one cohort, the others another."""
    return [f"{row[:-1]}{int(at < len(rows) // 2)},{int(at < len(rows) // 2)}" for at, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "columns", "why"),
    [
        (
            lambda rows: [row[:-1] + "1" for row in rows],
            "",
            "problem_solving: all 240 labels are 1: nothing to learn",
        ),
        (lambda rows: [f"x{row}" for row in rows], "", "are the student ids the same in both files?"),
        (lambda rows: [row.replace("2026", "2020") for row in rows], "", "no label has a single event by its as_of"),
        (lambda rows: [row[:-1] + "nan" for row in rows], "", "line 2: label nan: it must be within 0 and 1"),
        (lambda rows: [*rows, rows[0]], "", "line 242: s0 has a label of problem_solving"),
        (lambda rows: rows[:30], "", "30 moments are too few to learn from, 40 are needed"),
        (lambda rows: [*rows, "\udcff"], "", "line 242: no UTF-8 text"),
        (lambda rows: [*rows, "x" * 200_000], "", "line 242: field larger than field limit"),
        (in_cohorts, ",cohort", "problem_solving: without cohort 0: all labels are equal"),
        (lambda rows: [f"{row},{'2025' if at else ''}" for at, row in enumerate(rows)], ",cohort", "s0 has no cohort"),
    ],
    ids=[
        "one class",
        "unknown",
        "before",
        "nan",
        "twice",
        "too few",
        "not text",
        "too long",
        "a cohort of one class",
        "some without cohort",
    ],
)
def test_labels_that_nothing_can_be_learnt_from_are_refused_and_leave_nothing(
    run: Run, tmp_path: Path, change: Change, columns: str, why: str
) -> None:
    events, labels = simulated.write(tmp_path)
    header, *rows = labels.read_text().splitlines()
    labels.write_text("\n".join([header + columns, *change(rows)]) + "\n", errors="surrogateescape")
    ran = run("train", events, labels, "--out", tmp_path / "out", *INPUTS)

    assert ran.code == 2
    assert why in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "labels.csv"]


def test_fifty_labels_train_though_fusion_has_too_few_and_labels_after_the_last_event_count(
    run: Run, tmp_path: Path
) -> None:
    events, labels = simulated.write(tmp_path, students=50)
    later = (NOW + timedelta(days=30)).isoformat()
    rows = [f"s{number},problem_solving,{later},{simulated.solved(number)}" for number in range(50)]
    labels.write_text("\n".join(["student,skill,as_of,label", *rows]) + "\n")
    ran = run("train", events, labels, "--out", tmp_path / "out", *INPUTS, "--folds", 5, "--json")

    assert (ran.code, ran.err) == (0, "")
    card = orjson.loads(ran.out)["card"]["skills"]["problem_solving"]
    assert card["examples"] == 50
    assert card["metrics"]["n"] == 50

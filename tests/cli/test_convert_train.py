"""`skillstream convert` and `train`, from tables to an artifact that replays."""

from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import Run
from tests.events import raw
from tests.shared_data import SHARED, needs
from tests.unit.conversion.tables import ENROLMENTS, SUBMISSIONS, enrolment, submission, write
from tests.unit.training import simulated


def pisa(folder: Path) -> Path:
    write(folder, "actions", "student,t_s,action", "s1,0.0,start", "s1,2.5,1_0_0", "s1,nonsense,1_0_0", "s1,4.0,end")
    write(folder, "outcomes", "s1,1")
    return folder


def test_pisa_is_converted_to_events_and_labels_that_replay(run: Run, tmp_path: Path) -> None:
    ran = run("convert", "pisa", pisa(tmp_path / "in"), "--out", tmp_path / "out", "--json")

    assert (ran.code, ran.err) == (0, "")
    assert orjson.loads(ran.out) == {
        "rows": {"actions": 4, "outcomes": 1},
        "events": {"session": 2, "control": 1},
        "skipped": {"actions: a time that is no number": 1},
        "notes": {},
        "labels": 1,
    }
    assert (
        (tmp_path / "out" / "labels.csv").read_text().startswith("student,skill,as_of,label\ns1,problem_solving,2012-")
    )
    replayed = run("replay", tmp_path / "out" / "events.jsonl.gz", "--model", "none", "--json")
    assert orjson.loads(replayed.out)["applied"] == 3


def test_oulad_is_converted(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "enrolments", ENROLMENTS, enrolment("1"))
    write(tmp_path, "submissions", SUBMISSIONS, submission("a1", "1", 5))
    ran = run("convert", "oulad", tmp_path, "--out", tmp_path / "out")

    assert ran.code == 0
    assert "submission" in ran.out
    assert len((tmp_path / "out" / "labels.csv").read_text().splitlines()) == 4


def test_assistments_is_converted_to_events_alone_and_the_first_bad_row_is_named(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path, "attempts", "student,n,item,kcs,correct", "s1,1,5,7;9,1", "s1,2,5,7,maybe", "s1,3,5,7,", "s1,4,,7,0"
    )
    ran = run("convert", "assistments", tmp_path, "--out", tmp_path / "out")

    assert ran.code == 0
    assert "attempts.csv.gz:3: attempts: neither 0 nor 1 as correct: passed over, and 1 more" in ran.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["events.jsonl.gz"]
    replayed = run("replay", tmp_path / "out" / "events.jsonl.gz", "--model", "none", "--json")
    assert orjson.loads(replayed.out)["applied"] == 2


def test_the_same_tables_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    for out in ("one", "two"):
        run("convert", "pisa", pisa(tmp_path / "in"), "--out", tmp_path / out)
    for name in ("events.jsonl.gz", "labels.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_folder_without_the_tables_is_out_of_reach(run: Run, tmp_path: Path) -> None:
    ran = run("convert", "oulad", tmp_path, "--out", tmp_path / "out")
    assert ran.code == 3
    assert "no enrolments.csv.gz" in ran.err
    assert run("convert", "moodle", tmp_path, "--out", tmp_path).code == 2


def test_wrong_columns_are_wrong_input(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "actions", "a,b")
    ran = run("convert", "pisa", tmp_path, "--out", tmp_path / "out")
    assert ran.code == 2
    assert "its columns are 'a,b'" in ran.err


MESSAGES = "message_id,response_id,article_id,empathy,distress,empathy_bin,distress_bin,essay"
COMMON = "and it is what we have been told about the thing that was in the news that day and on the one before".split()


def message(author: int, number: int) -> str:
    """Every other author writes of sorrow; texts are of different lengths."""
    words = [*COMMON, *(("sorrow", "weeping") if author % 2 else ("taxes", "boring")), *COMMON[: author % 9 + number]]
    return f"R_{author}_{number},R_{author},1,4,4,{author % 2},0,{' '.join(words)}"


def test_train_writes_an_artifact_that_replay_takes(run: Run, tmp_path: Path) -> None:
    events, labels = simulated.write(tmp_path)
    arguments = ("--holdout", 0.2, "--folds", 3, "--moments", 2, "--inputs", "controls_*,varied_*.n", "--json")
    ran = run("train", events, labels, "--out", tmp_path / "mine", "--labels-source", "simulated", *arguments)

    assert (ran.code, ran.err) == (0, "")
    summary = orjson.loads(ran.out)
    card = summary["card"]["skills"]["problem_solving"]
    assert summary["artifact"].startswith("mine@")
    assert summary["events"] == simulated.STUDENTS * simulated.ACTIONS
    assert card["metrics"]["fused_n_holdout"] + 150 < simulated.STUDENTS
    assert card["metrics"]["fused_auc_holdout"] > 0.7
    assert {name.split(".")[0].split("_")[0] for name in card["features"]} <= {"controls", "varied"}
    replayed = run(
        "replay",
        events,
        "--model",
        tmp_path / "mine",
        "--out",
        tmp_path / "updates.jsonl",
        "--json",
        "--catalogue",
        tmp_path / "entry.json",
    )
    assert replayed.code == 0
    update = orjson.loads((tmp_path / "updates.jsonl").read_bytes().splitlines()[-1])
    entry = orjson.loads((tmp_path / "entry.json").read_bytes())
    assert (entry["config_version"], entry["model"]) == (update["config_version"], summary["artifact"])
    assert "simulated" in entry["skills"]["problem_solving"]["trained_on"]["labels"]
    assert update["skills"]["problem_solving"]["validated"] is True
    assert update["skills"]["problem_solving"]["contributions"]["model"]["p"] > 0


def test_a_text_model_is_trained_with_the_rest_and_a_skills_file_names_it(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "in", "messages", MESSAGES, *(message(author, text) for author in range(80) for text in (1, 2)))
    run("convert", "empathy", tmp_path / "in", "--out", tmp_path)
    events, labels = tmp_path / "events.jsonl.gz", tmp_path / "labels.csv"
    source = ("--skills", "empathy", "--labels-source", "made up", "--person", ".+(?=_)", "--moments", 1)
    arguments = (*source, "--folds", 3, "--inputs", "wrote.mean", "--holdout", 0.3, "--json")

    ran = run("train", events, labels, "--out", tmp_path / "mine", *arguments)
    again = run("train", events, labels, "--out", tmp_path / "again", *arguments)

    assert (ran.code, ran.err) == (0, "")
    card = orjson.loads(ran.out)["card"]["skills"]["empathy"]
    assert card["metrics"]["fused_auc_holdout"] > 0.8
    assert card["fusion"]["weights"]["language"] > 0
    for name in ("empathy.texts.json", "skills.toml"):
        assert (tmp_path / "mine" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert again.code == 0
    table = orjson.loads((tmp_path / "mine" / "empathy.texts.json").read_bytes())
    assert (table["population"], table["texts"], table["people"]) == ("made up", 160, 80)

    skills = ("--skills", tmp_path / "mine" / "skills.toml", "--model", tmp_path / "mine")
    replayed = run("replay", events, *skills, "--out", tmp_path / "updates.jsonl", "--json")
    assert replayed.code == 0
    update = orjson.loads((tmp_path / "updates.jsonl").read_bytes().splitlines()[-1])
    assert update["skills"]["empathy"]["contributions"]["language"]["p"] > 0


def test_train_reads_records_within_the_bounds_that_settings_give_them(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    events, labels = simulated.write(tmp_path)
    arguments = ("--folds", 2, "--moments", 2, "--inputs", "controls_*,varied_*.n", "--json")
    with events.open("ab") as file:
        file.write(raw("message", "late", text="x" * 2_000) + b"\n")

    by_default = run("train", events, labels, "--out", tmp_path / "default", *arguments)
    monkeypatch.setenv("SKILLSTREAM_RECORD_MAX_BYTES", "1024")
    bounded = run("train", events, labels, "--out", tmp_path / "bounded", *arguments)

    assert [orjson.loads(ran.out)["unreadable"] for ran in (by_default, bounded)] == [0, 1]


def test_train_says_what_is_wrong_with_its_files(run: Run, tmp_path: Path) -> None:
    events, labels = simulated.write(tmp_path, students=3)
    missing = run("train", tmp_path / "none.jsonl", labels, "--out", tmp_path / "out")
    assert (missing.code, "none.jsonl: no such file" in missing.err) == (3, True)
    assert run("train", events, tmp_path / "none.csv", "--out", tmp_path / "out").code == 3
    few = run("train", events, labels, "--out", tmp_path / "out")
    assert (few.code, "too few" in few.err) == (2, True)
    assert run("train", events, labels, "--out", tmp_path / "out", "--person", "(").code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "folder", "events"),
    [
        pytest.param("pisa", "pisa2012_climate", 220_565, marks=needs("pisa2012_climate")),
        pytest.param("oulad", "oulad", 121_738, marks=needs("oulad")),
        pytest.param("assistments", "assistments2009", 222_587, marks=needs("assistments2009")),
    ],
)
def test_the_real_sets_are_converted_whole(run: Run, tmp_path: Path, source: str, folder: str, events: int) -> None:
    ran = run("convert", source, SHARED / folder, "--out", tmp_path, "--json")

    tally = orjson.loads(ran.out)
    assert tally["skipped"] == {}
    written = tally["events"]
    assert (written["submission"] if source == "oulad" else sum(written.values())) == events


def history(folder: Path) -> Path:
    """Sixty students of two years hand in twelve pieces of work; every second one does well, and on time."""
    events = folder / "history.jsonl"
    noted = []
    for number in range(60):
        student, good = f"s{number}-{2024 + number % 4 // 2}", number % 2
        for piece in range(12):
            when = {"minute": (piece - 12) * 10_000.0}
            if not good and piece % 3 == 0:
                noted.append(raw("overdue", student, **when))
            else:
                score = 0.5 + 0.4 * good - 0.02 * (piece % 5)
                noted.append(raw("submission", student, score=score, due="2027-01-01T00:00:00Z", **when))
    events.write_bytes(b"\n".join(noted) + b"\n")
    return events


def test_train_learns_outcomes_from_a_history_without_labels(run: Run, tmp_path: Path) -> None:
    events = history(tmp_path)
    arguments = ("--skills", "course_work", "--cohort", "2[0-9]{3}$", "--counts", "2,4,6", "--json")
    ran = run("train", events, "--out", tmp_path / "mine", "--inputs", "marked.*,early.*,missed.*", *arguments)

    assert (ran.code, ran.err) == (0, "")
    cards = orjson.loads(ran.out)["card"]["skills"]
    assert cards.keys() == {"later_score", "self_regulation"}
    card = cards["later_score"]
    assert card["held_out"] == "one cohort at a time: 2024, 2025"
    assert "later marked.sum + attempted.sum of marked.n + attempted.n" in card["labels"]
    assert card["metrics"]["fused_coverage"] > 0.85
    assert card["metrics"]["fused_width"] < 0.4
    command = ("replay", events, "--skills", "course_work", "--model", tmp_path / "mine")
    assert run(*command, "--out", tmp_path / "updates.jsonl", "--json").code == 0
    good = orjson.loads((tmp_path / "updates.jsonl").read_bytes().splitlines()[-1])["skills"]["later_score"]
    assert 0.8 < good["score"] < 0.95
    assert good["high"] - good["low"] < 0.4


def test_models_that_compare_students_with_their_cohort_are_trained_and_judged_under_norms(
    run: Run, tmp_path: Path
) -> None:
    events = history(tmp_path)
    events.write_bytes(events.read_bytes().replace(b'"version":1', b'"version":1,"course_id":"maths"'))
    skills = ("--skills", "course_work", "--counts", "2,4,6")
    inputs = ("--inputs", "marked.n,missed.n,score_*,handed_in_z")
    model = tmp_path / "mine"

    ran = run("train", events, "--out", model, *skills, *inputs, "--json")
    without = run("train", events, "--out", tmp_path / "none", *skills, *inputs, "--norms-every", 0)
    evaluations = [
        run("evaluate", events, *skills, "--model", model, "--bootstrap", 5, "--json", "--norms-every", hours)
        for hours in (24, 0)
    ]

    assert (ran.code, ran.err) == (0, "")
    assert {"score_z", "score_rank"} <= set(orjson.loads(ran.out)["card"]["skills"]["later_score"]["features"])
    assert (without.code, "--norms-every may not be 0" in without.err) == (2, True)
    judged, blind = (orjson.loads(each.out) for each in evaluations)
    assert judged["notes"] == []
    assert "there are no norms" in blind["notes"][0]
    assert judged["skills"]["later_score"]["brier"] < blind["skills"]["later_score"]["brier"]


def test_a_skill_of_which_a_history_tells_nothing_is_left_out_and_the_card_says_why(run: Run, tmp_path: Path) -> None:
    events = history(tmp_path)
    marks_alone = [line.replace(b'"due"', b'"course_id"') for line in events.read_bytes().splitlines()]
    events.write_bytes(b"\n".join(line for line in marks_alone if b"overdue" not in line) + b"\n")
    arguments = ("--skills", "course_work", "--counts", "2,4", "--folds", 2, "--inputs", "marked.*")

    ran = run("train", events, "--out", tmp_path / "mine", *arguments)
    again = run("train", events, "--out", tmp_path / "again", *arguments, "--json")
    evaluated = run(
        "evaluate", events, "--skills", "course_work", "--model", tmp_path / "mine", "--bootstrap", 5, "--json"
    )

    assert ran.code == 0
    assert "left out: self_regulation: the events tell no outcome (early.n of early.n + missed.n)" in ran.err
    assert "self_regulation, left out" in ran.out
    card = orjson.loads(again.out)["card"]
    assert (list(card["skills"]), list(card["left_out"])) == (["later_score"], ["self_regulation"])
    found = orjson.loads(evaluated.out)
    assert list(found["skills"]) == ["later_score"]
    assert "self_regulation: the events tell no outcome" in found["notes"][0]


def test_an_outcome_that_is_the_same_for_all_is_left_out_too(run: Run, tmp_path: Path) -> None:
    events = history(tmp_path)
    events.write_bytes(b"\n".join(line for line in events.read_bytes().splitlines() if b"overdue" not in line) + b"\n")
    arguments = ("--skills", "course_work", "--counts", "2,4", "--folds", 2, "--inputs", "marked.*")
    ran = run("train", events, "--out", tmp_path / "mine", *arguments)

    assert ran.code == 0
    assert "labels are 1: nothing to learn" in ran.err


def test_an_artifact_is_judged_by_what_came_later_in_events_without_labels(run: Run, tmp_path: Path) -> None:
    events = history(tmp_path)
    arguments = ("--skills", "course_work", "--counts", "2,4,6")
    run("train", events, "--out", tmp_path / "mine", "--inputs", "marked.*,early.*,missed.*", *arguments)
    ran = run("evaluate", events, *arguments, "--model", tmp_path / "mine", "--bootstrap", 5, "--json")

    assert ran.code == 0
    found = orjson.loads(ran.out)
    assert found["skills"].keys() == {"later_score", "self_regulation"}
    assert found["notes"] == []
    later = found["skills"]["later_score"]
    assert later["n"] > 60, "several moments a student"
    assert later["brier"] < later["baselines"]["constant"]["brier"]
    assert {"coverage", "width", "interval_score"} <= later.keys()


def test_train_says_what_it_lacks_without_labels(run: Run, tmp_path: Path) -> None:
    events, labels = simulated.write(tmp_path, students=5)
    out = ("--out", tmp_path / "out")

    none_named = run("train", events, *out)
    assert (none_named.code, "no skill of default names an outcome" in none_named.err) == (2, True)
    none_seen = run("train", events, *out, "--skills", "course_work")
    assert (none_seen.code, "later_score: the events tell no outcome (marked.sum" in none_seen.err) == (2, True)
    assert "self_regulation: the events tell no outcome (early.n" in none_seen.err
    assert run("train", events, labels, *out, "--cohort", "x").code == 2
    assert run("train", history(tmp_path), *out, "--skills", "course_work", "--holdout", 0.2).code == 2
    assert not (tmp_path / "out").exists()

"""`skillstream replay`: files in; updates, dead letters and a summary out."""

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.contract.json_schemas import json_schema
from tests.artifacts import stored_of_a_former_trainer
from tests.cli.conftest import Run
from tests.contract.openedx import BLOCK, line_of, tracked
from tests.events import raw

LINES = b"\n".join(
    [
        raw(minute=1),
        raw(minute=1),
        raw("message", "bo", text="I kept trying"),
        b"",
        raw("navigation", "bo"),
        b"not JSON \xff",
        raw(version=2),
    ]
)
SUMMARY = {
    "read": 6,
    "applied": 2,
    "ignored": 1,
    "duplicates": 1,
    "dead_lettered": 2,
    "late": 0,
    "beyond_horizon": 0,
    "students": 2,
    "updates": 2,
    "reasons": {"not_utf8": 1, "unknown_version": 1},
    "unread_texts": {"short": 1},
}
NONE = ("--model", "none")


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES)
    return path


def test_a_plain_file(run: Run, events: Path) -> None:
    ran = run("replay", events, "--json", *NONE)

    assert ran.code == 0
    assert orjson.loads(ran.out) == SUMMARY


def test_overrides_are_scored_with_and_named(run: Run, events: Path, tmp_path: Path) -> None:
    overrides, out = tmp_path / "weights.toml", tmp_path / "updates.jsonl"
    overrides.write_text("[weights.problem_solving]\nmodel = 2.5\n")
    events.write_bytes(raw("control", controls={"a": 1.0, "b": 0.0}, minute=2) + b"\n" + LINES)
    model = stored_of_a_former_trainer(tmp_path / "former")
    versions, scores = set(), set()
    for given in ((), ("--fusion-config", overrides)):
        assert run("replay", events, "--out", out, "--json", "--model", model, *given).code == 0
        update = orjson.loads(out.read_bytes().splitlines()[0])
        versions.add(update["config_version"])
        scores.add(update["skills"]["problem_solving"]["score"])

    assert len(versions) == len(scores) == 2
    overrides.write_text("[weights.problem_solvin]\nbehaviour = 2.5\n")
    ran = run("replay", events, *NONE, "--fusion-config", overrides)
    assert ran.code == 2
    assert "no such skill" in ran.err


def test_norms_are_put_in_force_by_the_events_own_times_whatever_their_order(run: Run, tmp_path: Path) -> None:
    day = 24 * 60.0
    lines = [
        raw(student=f"s{student}", minute=(at - 3) * day + student, course_id="maths", score=student / 12)
        for at in range(3)
        for student in range(12)
    ]
    found = []
    for name, ordered in (("sorted", lines), ("shuffled", [*lines[1::2], *lines[::2]])):
        events, out = tmp_path / f"{name}.jsonl", tmp_path / f"{name}-updates.jsonl"
        events.write_bytes(b"\n".join([b"not JSON", *ordered]))
        ran = run("replay", events, "--norms-every", 24, "--out", out, "--json", *NONE)
        assert ran.code == 0
        assert orjson.loads(ran.out)["dead_lettered"] == 1
        found.append(out.read_bytes().splitlines())

    of_sorted, of_shuffled = found
    assert of_shuffled == of_sorted
    versions = [orjson.loads(update).get("norms_version") for update in of_sorted]
    assert versions[0] is None
    assert None not in versions[-12:]
    assert len(set(versions)) == 3


def test_gzip_is_told_by_its_content_not_its_name(run: Run, events: Path) -> None:
    events.write_bytes(gzip.compress(LINES))

    assert orjson.loads(run("replay", events, "--json", *NONE).out) == SUMMARY


@pytest.mark.parametrize("stdin", [LINES, gzip.compress(LINES), LINES.replace(b"\n", b"\r\n")])
def test_standard_input(run: Run, stdin: bytes) -> None:
    assert orjson.loads(run("replay", "-", "--json", *NONE, stdin=stdin).out) == SUMMARY


def test_a_pipe_by_name(run: Run) -> None:
    reading, writing = os.pipe()
    os.write(writing, LINES)
    os.close(writing)
    try:
        assert orjson.loads(run("replay", f"/dev/fd/{reading}", "--json", *NONE).out) == SUMMARY
    finally:
        os.close(reading)


def test_several_files_are_one_stream(run: Run, events: Path) -> None:
    summary = orjson.loads(run("replay", events, events, "--json", *NONE).out)

    assert (summary["read"], summary["applied"], summary["duplicates"]) == (12, 2, 4)


def test_nothing_to_read_is_not_an_error(run: Run) -> None:
    ran = run("replay", "-", "--json", *NONE)

    assert ran.code == 0
    assert orjson.loads(ran.out)["read"] == 0


def test_the_summary_is_readable_too(run: Run, events: Path) -> None:
    rows = dict(line.split(maxsplit=1) for line in run("replay", events, *NONE).out.strip().splitlines())

    assert rows["applied"].strip() == "2"
    assert rows["reasons"].strip() == "not_utf8 1, unknown_version 1"


@pytest.mark.parametrize("name", ["updates.jsonl", "updates.jsonl.gz"])
def test_out_has_one_valid_update_a_line(run: Run, events: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name

    run("replay", events, "--out", out, *NONE)

    written = gzip.decompress(out.read_bytes()) if name.endswith(".gz") else out.read_bytes()
    updates = [orjson.loads(line) for line in written.splitlines()]
    assert [update["student_id"] for update in updates] == ["ada", "bo"]
    validator = Draft202012Validator(json_schema("skill-updates"))
    for update in updates:
        validator.validate(update)


def test_dead_letters_keep_value_and_place(run: Run, events: Path, tmp_path: Path) -> None:
    out = tmp_path / "dead.jsonl"

    run("replay", events, "--dead-letters", out, *NONE)

    first, second = (orjson.loads(line) for line in out.read_bytes().splitlines())
    assert (first["offset"], first["reason"], first["value"]) == (4, "not_utf8", r"not JSON \xff")
    assert (second["offset"], second["reason"]) == (5, "unknown_version")


@pytest.mark.parametrize(
    ("content", "said"),
    [(gzip.compress(LINES)[:-4], "ended"), (gzip.compress(LINES)[:12] + b"\xff" * 50, ""), (b"\x1f\x8bxx", "")],
    ids=["cut short", "damaged", "only a beginning"],
)
def test_a_broken_archive_is_out_of_reach(run: Run, events: Path, content: bytes, said: str) -> None:
    events.write_bytes(content)

    ran = run("replay", events, "--json", *NONE)

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith(f"skillstream: {events}: ")
    assert said in ran.err


def test_a_missing_file_and_a_folder_are_out_of_reach(run: Run, events: Path, tmp_path: Path) -> None:
    for name, what in (("nowhere.jsonl", "no such file"), (tmp_path, "a folder; name the files in it")):
        ran = run("replay", events, name, *NONE)
        assert (ran.code, ran.err) == (3, f"skillstream: {name}: {what}\n")


def test_an_output_that_cannot_be_written_is_out_of_reach(run: Run, events: Path, tmp_path: Path) -> None:
    assert run("replay", events, "--out", tmp_path / "nowhere" / "x", *NONE).code == 3


def test_bad_skills_are_wrong_usage(run: Run, events: Path, tmp_path: Path) -> None:
    skills = tmp_path / "skills.toml"
    skills.write_text("version = 1", encoding="utf-8")

    ran = run("replay", events, "--skills", skills, *NONE)

    assert (ran.code, ran.out) == (2, "")
    assert str(skills) in ran.err
    assert run("replay", events, "--skills", "nowhere", *NONE).code == 2


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", "from agents.cli import main; main()", *map(str, arguments)]


def test_results_go_to_standard_output_and_nothing_else_does(events: Path) -> None:
    ran = subprocess.run(command("replay", events, "--json", *NONE), capture_output=True, check=True, timeout=60)

    assert orjson.loads(ran.stdout) == SUMMARY
    assert ran.stdout.count(b"\n") == 1
    assert ran.stderr == b""


def test_an_interrupt_is_code_130() -> None:
    tell = (
        "import agents.cli.event_files as f; f._unpacked = lambda source, *_: print('reading', flush=True) or source; "
    )
    with subprocess.Popen(
        [sys.executable, "-c", f"{tell} from agents.cli import main; main()", "replay", "-", *NONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"reading\n"
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 130
        assert running.stderr.read().strip() == b"skillstream: interrupted"


STATEMENT = {
    "actor": {"account": {"homePage": "https://lms.example", "name": "ada"}},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
    "object": {"id": "https://lms.example/quiz/1"},
    "result": {"success": True},
}
MARKS = b"\n".join(raw("mark", event_id=f"mark-{n}", item_id=f"item-{n}", minute=n) for n in range(304))
BETWEEN = b"\n".join(
    raw("navigation", "bo", event_id=f"looked-{n}") for n in range(2_000)
)  # a batch of another student


def test_records_have_the_bounds_that_settings_give_them(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "settings.toml").write_text("record_max_bytes = 1024\n")
    large = raw(text="x" * 2_000, event_id="large")

    array = orjson.dumps([{**STATEMENT, "id": f"7ccd3322-e1a5-411a-a67d-6a735c76{n:04d}"} for n in range(3)])

    assert orjson.loads(run("replay", "-", "--json", *NONE, stdin=array).out)["applied"] == 3
    monkeypatch.setenv("SKILLSTREAM_RECORD_MAX_EVENTS", "2")
    by_environment = orjson.loads(run("replay", "-", "--json", *NONE, stdin=array).out)
    by_file = run("replay", "-", "--json", "--config", tmp_path / "settings.toml", *NONE, stdin=large + b"\n" + array)

    assert (by_environment["applied"], by_environment["reasons"]) == (0, {"too_many_events": 1})
    assert orjson.loads(by_file.out)["reasons"] == {"too_large": 1, "too_many_events": 1}


def test_repeats_are_known_as_far_back_as_settings_say(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = b"\n".join([MARKS, BETWEEN, MARKS])
    known = orjson.loads(run("replay", "-", "--json", *NONE, stdin=twice).out)
    monkeypatch.setenv("SKILLSTREAM_KNOWN_IDS", "48")
    forgotten = orjson.loads(run("replay", "-", "--json", *NONE, stdin=twice).out)

    assert (known["applied"], known["duplicates"]) == (304, 304)
    assert (forgotten["applied"], forgotten["duplicates"]) == (608, 0)


def test_a_setting_that_does_not_exist_is_refused_as_a_worker_does(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSTREAM_RECORD_MAX_EVENT", "2")

    ran = run("replay", "-", *NONE)

    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean SKILLSTREAM_RECORD_MAX_EVENTS?" in ran.err


def test_a_tracking_log_of_open_edx_is_replayed_as_it_is_with_a_loggers_prefix_and_compressed(
    run: Run, tmp_path: Path
) -> None:
    """The prefix is that of edx-platform's syslog format."""
    hint = orjson.dumps(
        line_of(tracked("edx.problem.hint.demandhint_displayed", {"module_id": BLOCK, "hint_index": 0}))
    )
    shown = orjson.dumps(line_of(tracked("showanswer", {"problem_id": BLOCK})))
    prefix = b"Mar  2 11:00:00 lms [service_variant=lms][tracking][env:x] INFO [lms 12] [track.py:41] - "
    path = tmp_path / "tracking.log.gz"
    path.write_bytes(gzip.compress(b"\n".join([hint, prefix + shown, b"[tracking] cut off: {"])))

    figures = orjson.loads(run("replay", path, "--json", *NONE).out)

    assert (figures["read"], figures["applied"], figures["students"]) == (3, 2, 1)
    assert figures["reasons"] == {"not_json": 1}

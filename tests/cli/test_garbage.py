"""Every command, given what people give by mistake: no traceback, a line that says what to do, the right exit code."""

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from agents.cli import skillstream
from agents.display.redaction import redact
from tests.cli.conftest import Run
from tests.events import raw

GOOD = raw(event_id="e1") + b"\n"
FILES = {
    "good.jsonl": GOOD,
    "bad.jsonl": GOOD + b"\nno JSON\n" + raw(version=9) + b"\n" + raw(score=7) + b"\n" + b"x\n" * 9,
    "empty": b"",
    "binary": bytes(range(256)) * 9,
    "cut.gz": gzip.compress(GOOD * 100)[:-9],
    "archive.zip": b"PK\x03\x04 and so on",
    "utf16": GOOD.decode().encode("utf-16"),
    "labels.csv": b"student,skill,as_of,label\n",
    "bad.toml": b"a = ",
    "types.toml": b"skills = 3\n",
    "binary.toml": b"\xff\xfe\x00",
    "unknown.toml": b"brokker = 'x'\n",
    "nan.toml": b"start_timeout_s = nan\n",
    "kinds.toml": b'[xapi]\n"x" = "nonsense"\n',
    "mapping.toml": b"xapi = 1\n",
}
CASES: dict[str, tuple[int, str]] = {
    # usage
    "wrker": (2, 'no command "wrker". Did you mean worker?'),
    "topics creat": (2, "Did you mean create?"),
    "dead-letters lst": (2, "Did you mean list?"),
    "nonsense": (2, "There are worker, gateway, doctor"),
    "worker --broke x": (2, "--broker"),
    "--nonsense": (2, "No such option"),
    "worker --web-port x": (2, "not a valid integer"),
    "worker --web-port 99999999": (2, '--web-port: "99999999" is not a whole number of 0..65535'),
    "worker --config nowhere": (2, "nowhere: No such file"),
    "worker --config folder": (2, "folder: Is a directory"),
    "worker --config bad.toml": (2, "bad.toml: Invalid value"),
    "worker --config binary.toml": (2, "binary.toml: 'utf-8' codec"),
    "worker --config types.toml": (2, 'types.toml: skills: "3" is not a text'),
    "worker --config unknown.toml": (2, "brokker: there is no such setting. Did you mean broker?"),
    "worker --config nan.toml": (2, '"nan" is not a number above 0, at most 86400 seconds'),
    "worker --broker kafka://host": (2, "is not host:port"),
    "worker --broker host:x": (2, "is not host:port"),
    # replay
    "replay empty": (0, ""),
    "replay folder": (3, "folder: a folder; name the files in it"),
    "replay nowhere": (3, "nowhere: no such file"),
    "replay cut.gz": (3, "cut.gz: Compressed file ended"),
    "replay archive.zip": (3, "this is a zip archive"),
    "replay utf16": (3, "this is text in UTF-16"),
    "replay good.jsonl --out folder": (3, "folder: Is a directory"),
    "replay good.jsonl --out nowhere/x": (3, "nowhere/x: No such file"),
    "replay good.jsonl --out good.jsonl": (2, "good.jsonl is read: write to another file"),
    "replay good.jsonl --out ./good.jsonl": (2, "is read: write to another file"),
    "replay good.jsonl --out - --dead-letters -": (2, "cannot write to the same place"),
    "replay good.jsonl --out o --dead-letters ./o": (2, "cannot write to the same place"),
    "replay good.jsonl --out /dev/full": (3, "No space left"),
    "replay good.jsonl --skills nowhere": (2, "skills file nowhere: No such file"),
    "replay good.jsonl --skills types.toml": (2, "types.toml: line 1: skills: 3 is not a table"),
    "replay good.jsonl --skills binary.toml": (2, "binary.toml"),
    "replay good.jsonl --model nowhere": (2, "model artifact nowhere: No such file"),
    "replay good.jsonl --model good.jsonl": (2, "name the folder that holds its card.json"),
    "replay good.jsonl --mapping kinds.toml": (2, "kinds are"),
    "replay good.jsonl --mapping mapping.toml": (2, "mapping.toml"),
    "replay good.jsonl --mapping folder": (2, "folder: Is a directory"),
    # simulate
    "simulate": (2, "Name --broker (or set SKILLSTREAM_BROKER), or --out FILE"),
    "simulate --out - --broker x": (2, "name one"),
    "simulate --out x --rate 1": (2, "--rate is for a broker"),
    "simulate --out x --faults nan": (2, "nan is not a number"),
    "simulate --broker h --rate nan": (2, "nan is not a number"),
    "simulate --broker h --rate inf": (2, "inf is not a number"),
    "simulate --out x --events -1": (2, "not in the range"),
    "simulate --out x --events 1e3": (2, "not a valid integer"),
    "simulate --out folder": (3, "Is a directory"),
    "simulate --out /dev/full": (3, "No space left"),
    # convert, train, schema: folders
    "convert pisa nowhere --out y": (3, "nowhere: no actions.csv"),
    "convert pisa good.jsonl --out y": (3, "no actions.csv"),
    "convert pisa folder --out -": (2, "name a folder, not standard output"),
    "convert pisa folder --out good.jsonl": (2, "is a file"),
    "train good.jsonl labels.csv --out -": (2, "name a folder, not standard output"),
    "train nowhere labels.csv --out y": (3, "nowhere: no such file"),
    "train good.jsonl nowhere --out y": (3, "nowhere: No such file"),
    "train good.jsonl folder --out y": (3, "folder: Is a directory"),
    "train good.jsonl binary --out y": (2, ""),
    "train good.jsonl empty --out y": (2, ""),
    "train good.jsonl labels.csv --out y --holdout nan": (2, "nan is not a number"),
    "evaluate nowhere labels.csv": (3, "nowhere: no such file"),
    "evaluate good.jsonl": (2, "name a file of LABELS"),
    "evaluate good.jsonl nowhere": (3, "nowhere: No such file"),
    "evaluate good.jsonl folder": (3, "folder: Is a directory"),
    "evaluate good.jsonl binary": (2, "binary"),
    "evaluate good.jsonl empty": (2, "must begin with"),
    "evaluate good.jsonl labels.csv --model good.jsonl": (2, "name the folder that holds its card.json"),
    "evaluate good.jsonl labels.csv --report good.jsonl": (2, "is a file"),
    "evaluate good.jsonl labels.csv --report -": (2, "name a folder, not standard output"),
    "evaluate good.jsonl labels.csv --counts 3,x": (2, "3,x"),
    f"evaluate good.jsonl labels.csv --counts {'9' * 5_000}": (2, "whole numbers from 1"),
    "evaluate good.jsonl labels.csv --seed -1": (2, "0<=x<=4294967295"),
    "train good.jsonl labels.csv --out y --seed 4294967296": (2, "0<=x<=4294967295"),
    "evaluate good.jsonl labels.csv --bootstrap nan": (2, "not a valid integer"),
    "schema --out -": (2, "name a folder, not standard output"),
    "schema --out good.jsonl": (2, "is a file"),
    "schema nonsense": (2, "is not one of"),
    # others
    "dialects --check folder": (3, "folder: Is a directory"),
    "dialects --check binary": (1, "is not what the tables say"),
    "doctor --timeout nan": (2, "nan is not a number"),
    "verify --wait nan": (2, "nan is not a number"),
    "verify --memory-mb inf": (2, "inf is not a number"),
    "verify --config bad.toml": (2, "bad.toml"),
    "demo --input folder": (3, "folder: a folder"),
    "demo --skills nowhere": (2, "skills file nowhere"),
    "demo --model nowhere": (2, "model artifact nowhere"),
    "demo --mapping kinds.toml": (2, "kinds are"),
    "demo --config bad.toml": (2, "bad.toml"),
    "replay good.jsonl --config bad.toml": (2, "bad.toml"),
    "train good.jsonl labels.csv --out y --config nowhere": (2, "nowhere: No such file"),
    "dead-letters show x": (2, "PARTITION@OFFSET, such as 3@17"),
    "dead-letters list --since soon": (2, "neither a while"),
    "dead-letters replay": (2, "say --yes, or --dry-run"),
    "rebuild --broker host:x": (2, "is not host:port"),
    "adopt-topic --config nowhere": (2, "nowhere: No such file"),
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("SKILLSTREAM_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    yield tmp_path
    redact.know([])


@pytest.mark.parametrize("command", CASES)
def test_a_mistake_is_told_in_a_line_with_its_exit_code(run: Run, command: str) -> None:
    code, said = CASES[command]
    ran = run(*command.split(" "))

    assert ran.code == code, ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("command", [[], *([name] for name in skillstream.list_commands(None)), ["topics", "check"]])  # type: ignore[arg-type]
def test_dash_h_is_help(run: Run, command: list[str]) -> None:
    short, long = run(*command, "-h"), run(*command, "--help")

    assert short.code == 0
    assert short.out == long.out


def test_the_first_bad_lines_are_told_with_place_and_field_and_the_rest_counted(run: Run) -> None:
    ran = run("replay", "good.jsonl", "bad.jsonl", "--model", "none")

    lines = ran.err.splitlines()
    assert lines[0].startswith("bad.jsonl:3: not_json: ")
    assert lines[1].startswith("bad.jsonl:4: unknown_version: ")
    assert lines[2].startswith("bad.jsonl:5: invalid_field: ")
    assert "$.score" in lines[2]
    assert lines[5:] == ["and 7 more that cannot be read; --dead-letters FILE has them all"]


def test_dead_letters_of_files_say_file_and_line(run: Run) -> None:
    run("replay", "bad.jsonl", "--model", "none", "--dead-letters", "dead.jsonl")

    first = orjson.loads(Path("dead.jsonl").read_bytes().splitlines()[0])
    assert (first["file"], first["line"], first["value"]) == ("bad.jsonl", 3, "no JSON")


def test_training_tells_of_bad_lines_too(run: Run) -> None:
    Path("some.csv").write_text("student,skill,as_of,label\nada,problem_solving,2026-02-01T00:00:00Z,1\n")
    assert "bad.jsonl:3: not_json: " in run("train", "bad.jsonl", "some.csv", "--out", "y").err


def ran(command: str, **given: object) -> "subprocess.CompletedProcess[bytes]":
    program = f"{sys.executable} -m agents.cli {command}"
    return subprocess.run(program, shell=True, capture_output=True, timeout=120, check=False)


def test_out_to_standard_output_keeps_the_summary_apart() -> None:
    done = ran("replay good.jsonl --model none --out -")

    assert done.returncode == 0
    assert orjson.loads(done.stdout)["student_id"] == "ada"
    assert b"applied" in done.stderr
    assert not Path("-").exists()
    assert (
        orjson.loads(ran("replay bad.jsonl --model none --json --dead-letters -").stdout.splitlines()[0])["line"] == 3
    )


@pytest.mark.parametrize(
    "command", ["simulate --out -", "schema", "dialects", "replay good.jsonl --model none --out -"]
)
def test_a_closed_pipe_ends_a_command_quietly(command: str) -> None:
    done = ran(f"{command} | head -c 1 > /dev/null; exit ${{PIPESTATUS:-0}}")

    assert done.stderr.replace(b" ", b"").find(b"Traceback") < 0
    assert b"BrokenPipe" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_a_full_disk_is_out_of_reach() -> None:
    for command in ("schema", "dialects", "replay good.jsonl --model none", "simulate --events 9 --out -"):
        done = ran(f"{command} > /dev/full")
        assert done.returncode == 3, (command, done.stderr)
        assert b"No space left on device" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_closed_standard_input_is_told() -> None:
    done = ran("replay - --model none <&-")

    assert done.returncode in (0, 3)
    assert b"Traceback" not in done.stderr


def test_an_interrupt_ends_a_simulation_with_130(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "agents.cli", "simulate", "--events", "999999999", "--out", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _out, err = running.communicate(timeout=60)

    assert running.returncode == 130
    assert b"Traceback" not in err


def test_a_host_that_does_not_resolve_is_told_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSTREAM_START_TIMEOUT_S", "1")
    for command in ("topics create", "dead-letters list", "simulate"):
        monkeypatch.setenv("SKILLSTREAM_BROKER", "no-such-host.invalid:9092")
        ran = run(*command.split(" "))
        assert ran.code == 3
        assert "no-such-host.invalid does not resolve" in ran.err

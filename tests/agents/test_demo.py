"""The demo, as people run it: figures that add up, input of one's own, and a check of itself that can fail."""

import os
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
from click.testing import CliRunner, Result

from agents.cli import demo as demo_command
from agents.demo import run as demo_run
from agents.demo.watcher import Watcher
from streams.rows.codec import decode_row, encode_row
from streams.simulation import simulate
from tests.agents.command import run_here
from tests.agents.environment import environment
from tests.events import raw

_TIMEOUT_S = 180.0


def demo_that_stays(*arguments: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], dict[str, int]]:
    """Its end after Ctrl-C, and what it says is open answers with. `folder` is where it keeps things for a while."""
    command = [sys.executable, "-m", "agents.cli", "demo", "--stay", *arguments]
    around = os.environ | {"SKILLSTREAM_APP_ID": "another", "SKILLSTREAM_REDIS_URL": "redis://127.0.0.1:1"}
    around["TMPDIR"] = str(folder)
    with (folder.parent / "stdout").open("w+") as printed:
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=printed, stderr=pipe, text=True, env=around) as process:
            assert process.stderr is not None
            lines, statuses = list[str](), dict[str, int]()
            for line in process.stderr:
                lines.append(line)
                if "SKILLSTREAM_INFERENCE_TOKEN" in line:  # the last of what it says before it waits
                    statuses = _statuses("".join(lines))
                    process.send_signal(signal.SIGINT)
            code = process.wait(_TIMEOUT_S)
        printed.seek(0)
        return subprocess.CompletedProcess(command, code, printed.read(), "".join(lines)), statuses


def _statuses(said: str) -> dict[str, int]:
    pages = urlsplit(re.findall(r"pages: (\S+)", said)[0])
    tokens = dict(re.findall(r"export SKILLSTREAM_(READER|INFERENCE)_TOKEN=(\S+)", said))
    asked = {"READER": ("GET", "/students/nobody"), "INFERENCE": ("POST", "/inference/batch")}
    statuses = {}
    for role, (method, path) in asked.items():
        connection = HTTPConnection(pages.netloc, timeout=_TIMEOUT_S)
        connection.request(method, path, headers={"Authorization": f"Bearer {tokens[role]}"})
        statuses[role] = connection.getresponse().status
        connection.close()
    return statuses


def figures(printed: str) -> dict[str, int | bool]:
    last: dict[str, int | bool] = orjson.loads(printed.splitlines()[-1])
    return last


def outcomes(shown: dict[str, int | bool]) -> int:
    return sum(int(shown[name]) for name in ("applied", "ignored", "duplicates", "dead_lettered"))


def in_process(*arguments: str) -> Result:
    return CliRunner().invoke(demo_command.command, arguments, catch_exceptions=False)


def test_the_demo_s_figures_add_up_and_its_table_equals_a_replay_whatever_settings_are_around(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()

    done, statuses = demo_that_stays("--students", "20", "--events", "1500", "--seed", "4", "--json", folder=folder)

    assert done.returncode == 0, done.stderr[-2000:]
    shown = figures(done.stdout)
    assert shown["state_matches_replay"] is True
    assert shown["records_in"] == shown["events_in"] == 1500
    assert outcomes(shown) == shown["events_in"]
    assert shown["students"] == 20
    assert int(shown["skill_updates"]) >= 20
    assert int(shown["explanations"]) >= 3
    for student in ("sim-000", "What drove them", "written by: scripted", "Where every event went"):
        assert student in done.stderr
    assert statuses == {"READER": 404, "INFERENCE": 415}  # its tokens open both
    assert list(folder.iterdir()) == []  # it leaves nothing behind


def test_the_demo_does_with_events_of_one_s_own_what_a_worker_with_the_same_file_of_settings_does(
    tmp_path: Path,
) -> None:
    settings = tmp_path / "skillstream.toml"
    settings.write_text('broker = "kafka.invalid:9092"\nredis_url = "redis://127.0.0.1:1"\nrecord_max_bytes = 1024\n')
    good = [raw(student=f"own-{n % 3}", event_id=f"own-{n}", minute=n) for n in range(60)]
    large = raw("message", "own-0", event_id="large", text="x" * 2_000)
    garbage = [b"garbage", b"\xff\xfe\x00", b"[1, 2]", b'{"student_id": 7}', b"{" * 300, b"x" * 2_000_000, large]
    lines = [*good[:30], *garbage, good[0], b"", raw("navigation", "own-0"), *good[30:]]
    own = tmp_path / "events.jsonl"
    own.write_bytes(b"\n".join(lines) + b"\n")

    done = in_process("--input", str(own), "--config", str(settings), "--json")

    assert done.exit_code == 0, done.output
    shown = figures(done.stdout)
    assert shown["records_in"] == 60 + len(garbage) + 2
    assert (shown["applied"], shown["dead_lettered"]) == (60, len(garbage))
    assert (shown["duplicates"], shown["ignored"]) == (1, 1)
    assert shown["students"] == 3
    assert shown["state_matches_replay"] is True


def test_a_table_that_differs_from_the_replay_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tampering(Watcher):
        """Changes one number in one row of what was read from the worker's changelog."""

        def stop(self) -> None:
            super().stop()
            partition = min(self.table.partitions())
            key, stored = min(self.table.items(partition))
            row = decode_row(stored)
            row.events += 1
            self.table.put(partition, key, encode_row(row))

    monkeypatch.setattr(demo_run, "Watcher", Tampering)

    done = in_process("--students", "5", "--events", "200", "--json")

    assert done.exit_code == 1
    assert figures(done.stdout)["state_matches_replay"] is False
    assert "the row holds too much" in done.stderr


def test_the_demo_refuses_more_than_the_embedded_broker_holds(tmp_path: Path) -> None:
    own = tmp_path / "events.jsonl"
    own.write_bytes(
        b"".join(raw("message", "one-student", event_id=f"m{n}", text="x" * 50_000) + b"\n" for n in range(90))
    )

    done = run_here(environment({}), "demo", "--input", str(own), "--json")

    assert done.code == 4
    assert "keeps 4 MB a partition" in done.err
    assert "make kafka" in done.err
    assert done.out == b""


def test_the_same_seed_makes_the_same_class() -> None:
    assert list(simulate(5, 300, seed=9)) == list(simulate(5, 300, seed=9))
    assert list(simulate(5, 300, seed=9)) != list(simulate(5, 300, seed=10))


def test_a_class_in_courses_is_the_same_class() -> None:
    records = [*simulate(6, 300, seed=9, faults=0, courses=2)]
    events = [orjson.loads(record.value) for record in records]
    named = {(event["student_id"], event.pop("course_id")) for event in events}

    assert named == {(f"sim-{number:05d}", f"course-{number % 2}") for number in range(6)}
    assert events == [orjson.loads(record.value) for record in simulate(6, 300, seed=9, faults=0)]

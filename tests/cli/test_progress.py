"""How far a long reading is, where no terminal shows a bar: a line now and then on standard error."""

import re
from pathlib import Path

import pytest

from agents.cli import progress
from tests.cli.conftest import Run
from tests.events import raw


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(raw(student=f"s{number}") for number in range(300)))
    return path


def test_a_reading_that_takes_long_says_so_in_lines_with_its_share(
    run: Run, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    ran = run("replay", events, "--model", "none")

    assert ran.err.startswith("reading: ")
    assert re.search(r"100% of 0 MiB, \d+ s\n", ran.err)
    assert "\x1b" not in ran.err


def test_from_standard_input_there_is_no_share(run: Run, events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.0)

    ran = run("replay", "-", "--model", "none", stdin=events.read_bytes())
    assert re.search(r"^reading: 0 MiB, \d+ s\n", ran.err)


def test_a_short_reading_and_one_for_a_program_say_nothing(
    run: Run, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 3_600.0)
    assert run("replay", events, "--model", "none").err == ""
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    assert run("replay", events, "--model", "none", "--json").err == ""

"""The shipped artifacts are what the commands of docs/ make of the real data, to the byte."""

import re
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from tests.shared_data import SHARED, needs

pytestmark = pytest.mark.long
DOCS = Path(__file__).parents[2] / "docs"
TRAINED_S = 900


def commands_of_page() -> list[list[str]]:
    """The first console block of the section on the shipped artifacts, a command each."""
    section = (DOCS / "training-data.md").read_text(encoding="utf-8").split("\n## The shipped artifacts\n")[1]
    block = re.findall(r"```console\n(.*?)```", section, re.DOTALL)[0].replace("\\\n", " ")
    return [shlex.split(line[2:]) for line in block.splitlines() if line.startswith("$ ")]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def shipped(name: str) -> dict[str, bytes]:
    return bytes_of(Path(str(files("streams") / "builtin" / name)))


@needs("pisa2012_climate")
@needs("oulad")
def test_the_documented_commands_make_the_shipped_artifacts_to_the_byte(tmp_path: Path) -> None:
    (tmp_path / "DATA").symlink_to(SHARED)
    for program, *arguments in commands_of_page():
        assert program == "skillstream"
        command = [sys.executable, "-P", "-m", "agents.cli", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=TRAINED_S)

    made = tmp_path / "streams" / "builtin"
    assert sorted(path.name for path in made.iterdir()) == ["course_success", "default"]
    for folder in made.iterdir():
        assert bytes_of(folder) == shipped(folder.name)


@needs("assistments2009")
def test_the_bank_to_start_with_is_fitted_to_the_first_half_of_the_students(tmp_path: Path) -> None:
    section = (DOCS / "mastery.md").read_text(encoding="utf-8").split("\n## A bank that knows nothing\n")[1]
    commands = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0].splitlines()
    (tmp_path / "assistments2009").symlink_to(SHARED / "assistments2009")
    program = f'skillstream() {{ {shlex.quote(sys.executable)} -P -m agents.cli "$@"; }}'
    script = "\n".join(["set -e", program, *(each for each in commands if not each.startswith("skillstream evaluate"))])
    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True, timeout=TRAINED_S)

    assert bytes_of(tmp_path / "mastery_start") == shipped("mastery_start")

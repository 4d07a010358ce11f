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
BUILTIN = Path(str(files("streams") / "builtin"))
TRAINED_S = 900


def commands_of_page() -> dict[str, list[list[str]]]:
    """The first console block of the section on the shipped artifacts, a command each, by the artifact they make."""
    section = (DOCS / "training-data.md").read_text(encoding="utf-8").split("\n## The shipped artifacts\n")[1]
    block = re.findall(r"```console\n(.*?)```", section, re.DOTALL)[0].replace("\\\n", " ")
    paragraphs = [[shlex.split(line[2:]) for line in part.splitlines()] for part in block.split("\n\n")]
    return {Path(commands[-1][commands[-1].index("--out") + 1]).name: commands for commands in paragraphs}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def shipped(name: str) -> dict[str, bytes]:
    return bytes_of(BUILTIN / name)


def test_all_that_is_shipped_is_made_by_the_page_or_another() -> None:
    assert {*commands_of_page(), "mastery_start"} == {path.name for path in BUILTIN.iterdir()}


@needs("pisa2012_climate")
@needs("oulad")
@pytest.mark.parametrize("name", ["default", "course_success"])
def test_the_documented_commands_make_the_shipped_artifact_to_the_byte(name: str, tmp_path: Path) -> None:
    (tmp_path / "DATA").symlink_to(SHARED)
    for program, *arguments in commands_of_page()[name]:
        assert program == "skillstream"
        command = [sys.executable, "-P", "-m", "agents.cli", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=TRAINED_S)

    assert bytes_of(tmp_path / "streams" / "builtin" / name) == shipped(name)


@needs("assistments2009")
def test_the_bank_to_start_with_is_fitted_to_the_first_half_of_the_students(tmp_path: Path) -> None:
    section = (DOCS / "mastery.md").read_text(encoding="utf-8").split("\n## A bank that knows nothing\n")[1]
    commands = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0].splitlines()
    (tmp_path / "assistments2009").symlink_to(SHARED / "assistments2009")
    program = f'skillstream() {{ {shlex.quote(sys.executable)} -P -m agents.cli "$@"; }}'
    script = "\n".join(["set -e", program, *(each for each in commands if not each.startswith("skillstream evaluate"))])
    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True, timeout=TRAINED_S)

    assert bytes_of(tmp_path / "mastery_start") == shipped("mastery_start")

"""The shipped artifacts are what the commands of docs/training-data.md make of the real data, to the byte."""

import re
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from tests.shared_data import SHARED, needs

pytestmark = [pytest.mark.long, needs("pisa2012_climate"), needs("oulad")]
PAGE = Path(__file__).parents[2] / "docs" / "training-data.md"
TRAINED_S = 900


def commands_of_page() -> list[list[str]]:
    """The first console block of the section on the shipped artifacts, a command each."""
    section = PAGE.read_text(encoding="utf-8").split("\n## The shipped artifacts\n")[1]
    block = re.findall(r"```console\n(.*?)```", section, re.DOTALL)[0].replace("\\\n", " ")
    return [shlex.split(line[2:]) for line in block.splitlines() if line.startswith("$ ")]


def test_the_documented_commands_make_the_shipped_artifacts_to_the_byte(tmp_path: Path) -> None:
    (tmp_path / "DATA").symlink_to(SHARED)
    for program, *arguments in commands_of_page():
        assert program == "skillstream"
        command = [sys.executable, "-P", "-m", "agents.cli", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=TRAINED_S)

    made = tmp_path / "streams" / "builtin"
    assert sorted(path.name for path in made.iterdir()) == ["course_success", "default"]
    for folder in made.iterdir():
        shipped = Path(str(files("streams") / "builtin" / folder.name))
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
            path.name: path.read_bytes() for path in shipped.iterdir()
        }

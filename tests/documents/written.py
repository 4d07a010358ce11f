"""`make figures`: what pages say of commands and of measurements, written anew.

A `text` block behind an `sh` block of `skillstream` commands is what they print. Between `<!-- figures NAME,… -->` and
`<!-- to here -->` stand the figures of docs/benchmarks.json named; `NAME.` and `NAME_` are all that begin so.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, Final

from tests.documents.blocks import DOCS, rewritten

PAGES: Final = ("operating.md", "scaling.md", "tuning.md")
_FIGURES: Final = re.compile(r"(<!-- figures ([\w.,]+) -->)\n.*?(<!-- to here -->)", re.DOTALL)


def renewed(page: str) -> str:
    """The page as it has to be."""
    figures = json.loads((DOCS / "benchmarks.json").read_text("utf-8"))
    return _FIGURES.sub(lambda found: f"{found[1]}\n{_table(figures, found[2])}{found[3]}", rewritten(page, printed))


def printed(command: str) -> str:
    """What the `skillstream` commands of a block print. Raises CalledProcessError where one does not end with 0."""
    said = "".join(map(_printed, command.replace("\\\n", " ").strip().splitlines()))
    return "\n".join(line.rstrip() for line in said.strip("\n").splitlines())


def _printed(line: str) -> str:
    program, *arguments = shlex.split(line)
    assert program == "skillstream", line
    command = [sys.executable, "-m", "agents.cli", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=DOCS.parent, env=environment).stdout


def _table(figures: Iterable[dict[str, Any]], names: str) -> str:
    lines = ["| what | measured | | when |", "| --- | --- | --- | --- |"]
    found = [each for each in figures if _is_named(each["name"], names.split(","))]
    assert found, f"docs/benchmarks.json has no figure {names}"
    return "\n".join([*lines, *map(_row, found)]) + "\n"


def _row(figure: dict[str, Any]) -> str:
    return f"| {figure['name']} | {_number(figure['value'])} | {figure['unit']} | {figure['measured'][:10]} |"


def _is_named(name: str, asked: Iterable[str]) -> bool:
    """One of `asked`, or begins with one that ends with a mark."""
    return any(name == each or (each[-1] in "._" and name.startswith(each)) for each in asked)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.1f}"


def write_figures() -> None:
    """Write all pages as they have to be, and say so."""
    for name in PAGES:
        (DOCS / name).write_text(renewed(name), "utf-8")
        sys.stderr.write(f"Written: docs/{name}\n")


if __name__ == "__main__":
    write_figures()

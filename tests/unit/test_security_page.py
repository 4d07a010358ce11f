"""docs/security.md names a test for each threat, and each is there."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.supply.locked import ROOT

PAGE: Final = (ROOT / "docs" / "security.md").read_text("utf-8")
_NAMED: Final = re.compile(r"\]\(\.\./(tests/[\w/.]+\.py)(?:#(\w+))?\)")
_THREATS: Final = PAGE.partition("## Threats")[2].partition("\n## ")[0]


@cache
def _tests_of(path: Path) -> frozenset[str]:
    defined = ast.walk(ast.parse(path.read_text("utf-8")))
    functions = [each for each in defined if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(each.name for each in functions if each.name.startswith("test_"))


def _rows(table: str) -> list[str]:
    return [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| ---")][1:]


@pytest.mark.parametrize("threat", _rows(_THREATS), ids=lambda row: row.split("|")[1].strip()[:60])
def test_each_threat_has_a_test_that_tries_it(threat: str) -> None:
    assert _NAMED.search(threat.rpartition("|")[0].rpartition("|")[2])


def test_every_test_that_is_named_is_there() -> None:
    missing = [
        f"{path}#{name}"
        for path, name in _NAMED.findall(PAGE)
        if not (ROOT / path).is_file() or not _tests_of(ROOT / path) or (name and name not in _tests_of(ROOT / path))
    ]

    assert missing == []

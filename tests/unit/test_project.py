"""The project's own files agree with each other: locks, versions, editors' settings, hooks, and what pages name."""

import re
import tomllib
from configparser import ConfigParser
from importlib.metadata import version
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final

import orjson
import pytest
import yaml

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
PAGES: Final = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
_LINK: Final = re.compile(r"\]\(([^)#:]+)[)#]")
_PATH: Final = re.compile(r"`((?:agents|docs|schemas|streams|tests)/[\w./-]+)`")
_DOTTED: Final = re.compile(r"(?<![\w.])(?:agents|schemas|streams|tests)(?:\.[A-Za-z_]\w*)+")


def locked(lock: str) -> dict[str, str]:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    pins = (line.split(" ")[0].partition("==") for line in lines if "==" in line and line[0] not in " #")
    return {name: pinned for name, _, pinned in pins}


def named(requirements: list[Any]) -> set[str]:
    return {match[0] for each in requirements if isinstance(each, str) and (match := _NAME.match(each))}


def test_the_runtime_lock_holds_what_runs_and_no_developers_tool() -> None:
    runtime, tools = locked("requirements.lock"), named(PROJECT["dependency-groups"]["dev"])

    assert named(PROJECT["project"]["dependencies"]) <= runtime.keys()
    assert not tools & runtime.keys()


def test_developers_have_the_versions_that_run_and_all_tools_beside_them() -> None:
    developers, groups = locked("requirements-dev.lock"), PROJECT["dependency-groups"]

    assert locked("requirements.lock").items() <= developers.items()
    assert locked("requirements-build.lock").items() <= developers.items()
    assert named(groups["dev"]) | named(groups["build"]) <= developers.keys()
    assert groups["build"] == PROJECT["build-system"]["requires"]


def test_there_is_one_version() -> None:
    contract = orjson.loads((ROOT / "docs" / "contract" / "asyncapi.json").read_bytes())

    assert PROJECT["project"]["version"] == version("skillstream") == contract["info"]["version"]


def test_editors_cut_lines_where_ruff_does() -> None:
    editors = ConfigParser()
    editors.read_string("[top]\n" + (ROOT / ".editorconfig").read_text("utf-8"))

    assert editors["*"]["max_line_length"] == str(PROJECT["tool"]["ruff"]["line-length"])


def test_hooks_run_from_the_project_s_environment_and_fetch_nothing() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))

    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    paths = [(ROOT / page).parent / link for link in _LINK.findall(text)] + [
        ROOT / path for path in _PATH.findall(text)
    ]

    assert [str(path) for path in paths if not path.exists()] == []
    for dotted in _DOTTED.findall(text):
        resolve_name(dotted)

"""The command's own words: help everywhere, errors on standard error, documented exit codes."""

import subprocess
import sys

import pytest

from agents.cli import main, skillstream
from schemas.errors import Fatal, InvalidInput, Retryable, SkillstreamError
from tests.cli.conftest import Run

VERBS = [
    "worker",
    "gateway",
    "doctor",
    "topics",
    "demo",
    "simulate",
    "replay",
    "verify",
    "lag",
    "config",
    "catalogue",
    "rescore",
    "spend",
    "student",
    "explain",
    "tenants",
    "audit",
    "acls",
    "export-person",
    "erase",
    "dead-letters",
    "adopt-topic",
    "rebuild",
    "convert",
    "train",
    "evaluate",
    "platforms",
    "dialects",
    "capacity",
    "schema",
]


def test_help_lists_every_verb_and_the_exit_codes(run: Run) -> None:
    ran = run("--help")

    assert ran.code == 0
    for verb in VERBS:
        assert f"  {verb} " in ran.out
    for code in ("0 all is well", "1 a check failed", "2 wrong usage", "4 stopped", "130 interrupted"):
        assert code in " ".join(ran.out.split())


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(run: Run, verb: str) -> None:
    ran = run(verb, "--help")

    assert ran.code == 0
    assert ran.out.startswith(f"Usage: skillstream {verb} ")


def test_the_command_itself_imports_nothing_of_its_commands() -> None:
    asked = "import sys, agents.cli; print([each for each in ('numpy', 'msgspec', 'faust') if each in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", asked], text=True) == "[]\n"


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").out.startswith("skillstream, version ")


@pytest.mark.parametrize("arguments", [["nonsense"], ["replay"], ["replay", "--nonsense"], ["schema", "nonsense"]])
def test_wrong_usage_is_code_2_and_said_on_standard_error(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert "Error: " in ran.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SkillstreamError("x"), 1),
        (InvalidInput("not_json", "x"), 1),
        (Retryable("x"), 3),
        (Fatal("x"), 4),
        (Fatal(), 4),
        (KeyboardInterrupt(), 130),
    ],
    ids=repr,
)
def test_an_error_is_one_line_and_its_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_context: object) -> None:
        raise error

    monkeypatch.setattr("sys.argv", ["skillstream", "schema"])
    monkeypatch.setattr(skillstream, "invoke", fail)
    with pytest.raises(SystemExit) as exit_:
        main()

    assert exit_.value.code == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert err.strip().startswith("skillstream: ")

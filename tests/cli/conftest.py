"""Running the command in this process: its exit code and what it wrote."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from agents.cli import main


@dataclass(frozen=True)
class Ran:
    """What one run of the command came to."""

    code: object
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("replay", "-", stdin=b"…")`."""

    def run_command(*arguments: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["skillstream", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        return Ran(exit_.value.code or 0, out, err)

    return run_command

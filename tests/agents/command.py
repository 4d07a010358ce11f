"""Running `skillstream` in this process: without terminal. Starting one more costs seconds."""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import orjson
import pytest

from agents.cli import main


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run of the command came to."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Its standard output."""
        return self.out.decode()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its standard output, one JSON object a line."""
        return [orjson.loads(line) for line in self.out.splitlines()]


def run_here(around: Mapping[str, str], *arguments: str) -> Ran:
    """`skillstream ARGUMENTS` in that environment."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        patch.dict(os.environ, around, clear=True),
        patch.object(sys, "argv", ["skillstream", *arguments]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO())),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    code = ended.value.code or 0
    return Ran(int(code), _written(out), _written(err).decode())


def _written(to: io.TextIOWrapper) -> bytes:
    buffer = to.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()

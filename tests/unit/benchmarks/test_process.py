"""What a contestant says on its standard output, heard line by line."""

import sys
from pathlib import Path

import pytest

from tests.benchmarks.process import BenchmarkFailed, Contender


def test_a_line_is_heard_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    waits = "import threading; threading.Event().wait()"
    contender = Contender.start("quiet", [sys.executable, "-c", waits], {}, tmp_path)
    try:
        contender.out.write_bytes(b'{"steps": 1}\nnot ours\n{"steps": 2}\n{"ste')
        assert contender.listen() == {"steps": 2}
        with contender.out.open("ab") as output:
            output.write(b'ps": 3, "stepped": 40}\n')
        assert contender.listen() == {"steps": 3, "stepped": 40}
    finally:
        contender.end()


def test_who_has_ended_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    contender = Contender.start("brief", [sys.executable, "-c", "raise SystemExit('no broker')"], {}, tmp_path)
    contender.process.wait()
    with pytest.raises(BenchmarkFailed, match=r"brief ended with 1(?s:.*)no broker"):
        contender.listen()

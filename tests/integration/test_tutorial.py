"""Every command of docs/tutorial.md, run as it stands, in order, in one folder; and what the page says it prints."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.documents.blocks import blocks

PAGE: Final = "tutorial.md"
_BLOCK_TIMEOUT_S: Final = 180.0


@pytest.mark.long
def test_the_tutorial_runs_as_written_and_prints_what_it_says(tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = 0
    for block in blocks(PAGE):
        assert block.language == "sh", f"{PAGE}:{block.line}: who runs {block.language!r}?"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            env={"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_BLOCK_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{PAGE}:{block.line} ends with {done.returncode}:\n{done.stdout}"
        assert block.prints(done.stdout), f"{PAGE}:{block.line} prints:\n{done.stdout}"
        ran += 1
    assert ran >= 7

"""Every example of docs/inference.md, run as it stands, in its order, against a worker's page."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from tests.agents.inference_pages import TOKEN, inference, store
from tests.agents.situation import Situation, seen
from tests.documents.blocks import blocks
from tests.events import raw

__all__ = ["seen"]


async def printed_by(program: str, url: str, folder: Path) -> str:
    """What a shell prints. Fails where it fails."""
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", program),
        env={"PATH": os.environ["PATH"], "WORKER_URL": url, "SKILLSTREAM_INFERENCE_TOKEN": TOKEN},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await asyncio.wait_for(shell.communicate(), 180)
    assert shell.returncode == 0, (errors + out).decode()
    return out.decode()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples need curl")
async def test_the_examples_run_as_written_and_print_what_the_page_says(seen: Situation, tmp_path: Path) -> None:
    async with inference(seen) as worker:
        await store(worker, raw())
        for example in blocks("inference.md"):
            assert (example.language, example.printed is not None) == ("sh", True), f"inference.md:{example.line}"
            printed = await printed_by(example.text, worker.url, tmp_path)
            assert example.prints(printed), f"inference.md:{example.line} prints:\n{printed}"

    assert worker.outcomes() == {"answered": 4}

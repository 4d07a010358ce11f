"""Every example of docs/producing.md and docs/consuming.md, run as it stands, in its order, on a real Kafka and worker.

Blocks of `sh` and `python` are programs; a `text` block after one is what it prints, where `…` stands for anything.
They are given SKILLSTREAM_BROKER and a PATH, nothing else.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from agents.config.settings import Settings
from tests.agents.contract_validation import validate
from tests.agents.deployment import PARTITIONS, Deployment
from tests.servers.child import ServerMissing
from tests.servers.jars import java, tool_jars
from tests.servers.missing import miss

_DOCS: Final = Path(__file__).parents[2] / "docs"
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TOOLS: Final = {
    "kafka-console-producer.sh": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
}
_EXAMPLE_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class Example:
    """A program of a page, at `line`, and what it prints, if the page says so."""

    page: str
    line: int
    language: str
    program: str
    printed: str | None


class Documented(Deployment):
    """The deployment that the pages speak of: all names as they are by default."""

    @property
    def settings(self) -> Settings:
        """Those that decide about names."""
        return Settings(broker=self.broker, partitions=PARTITIONS)

    def given(self, **settings: object) -> dict[str, object]:
        """What the worker is told."""
        return {"broker": self.broker, "reasoning": "scripted", "web_port": 0, **settings}


def examples(page: str) -> Iterator[Example]:
    text = (_DOCS / page).read_text("utf-8")
    blocks = list(_FENCE.finditer(text))
    assert text.count("```") == 2 * len(blocks), f"{page}: a block that is not read"
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] != "text":
            assert block[1] in ("sh", "python"), f"{page}: who runs {block[1]!r}?"
            printed = after[2] if after is not None and after[1] == "text" else None
            yield Example(page, text.count("\n", 0, block.start()) + 1, block[1], block[2], printed)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with Kafka's console tools, by their usual names, and this environment's programs."""
    if shutil.which("kcat") is None:
        miss("The examples need kcat. Debian, Ubuntu: apt install kcat; macOS: brew install kcat.")
    folder = tmp_path / "bin"
    folder.mkdir()
    try:
        quick = f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp '{tool_jars()}/*'"
        for name, main in _TOOLS.items():
            (folder / name).write_text(f'#!/bin/sh\nexec "{java()}" {quick} {main} "$@"\n')
            (folder / name).chmod(0o755)
    except ServerMissing as missing:
        miss(str(missing))
    return os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])


def run(example: Example, broker: str, path: str, folder: Path) -> str:
    """What the example prints. Fails where it fails."""
    program = ["bash", "-euo", "pipefail", "-c"] if example.language == "sh" else ["python", "-c"]
    ran = subprocess.run(
        [*program, example.program],
        env={"SKILLSTREAM_BROKER": broker, "PATH": path, "HOME": str(folder), "LANG": "C.UTF-8"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_EXAMPLE_TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, f"{example.page}:{example.line} ends with {ran.returncode}:\n{ran.stderr}{ran.stdout}"
    return ran.stdout


def matches(printed: str, wanted: str) -> bool:
    """Whether `printed` is what the page says; `…` stands for anything, over lines too. Margins do not count."""
    found, said = ("\n".join(line.strip() for line in text.strip().splitlines()) for text in (printed, wanted))
    return re.fullmatch(".*".join(map(re.escape, said.split("…"))), found, re.DOTALL) is not None


def test_the_examples_run_as_written_and_print_what_the_pages_say(kafka: str, path: str, tmp_path: Path) -> None:
    deployment = Documented(kafka, tmp_path, name="skillstream")
    deployment.make_topics()
    worker = deployment.start()
    try:
        worker.await_ready()
        for example in [*examples("producing.md"), *examples("consuming.md")]:
            if example.printed is not None:
                deployment.await_caught_up()
            printed = run(example, kafka, path, tmp_path)
            if example.printed is not None:
                assert matches(printed, example.printed), f"{example.page}:{example.line} prints:\n{printed}"
        assert worker.events("rerouted") == 0, "a producer of the pages places keys elsewhere"
        assert worker.events("dead_lettered") == 1
        assert worker.terminate() == 0
        validate(deployment)
    finally:
        worker.end()

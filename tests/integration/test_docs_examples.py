"""Every example of docs/producing.md and docs/consuming.md, run as it stands, in its order, on a real Kafka and worker.

Blocks of `sh` and `python` are programs; a `text` block after one is what it prints, where `…` stands for anything.
They are given SKILLSTREAM_BROKER and a PATH, nothing else.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from agents.config.settings import Settings
from tests.agents.contract_validation import validate
from tests.agents.deployment import PARTITIONS, Deployment
from tests.documents.blocks import Block, blocks
from tests.servers.child import ServerMissing
from tests.servers.jars import java, tool_jars
from tests.servers.missing import miss

PAGES: Final = ("producing.md", "consuming.md")
_TOOLS: Final = {
    "kafka-console-producer.sh": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
}
_EXAMPLE_TIMEOUT_S: Final = 60.0


class Documented(Deployment):
    """The deployment that the pages speak of: all names as they are by default."""

    @property
    def settings(self) -> Settings:
        """Those that decide about names."""
        return Settings(broker=self.broker, partitions=PARTITIONS)

    def given(self, **settings: object) -> dict[str, object]:
        """What the worker is told."""
        return {"broker": self.broker, "reasoning": "scripted", "web_port": 0, **settings}


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


def run(example: Block, at: str, broker: str, path: str, folder: Path) -> str:
    """What the example prints. Fails where it fails."""
    programs = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": ["python", "-c"]}
    assert example.language in programs, f"{at}: who runs {example.language!r}?"
    ran = subprocess.run(
        [*programs[example.language], example.text],
        env={"SKILLSTREAM_BROKER": broker, "PATH": path, "HOME": str(folder), "LANG": "C.UTF-8"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_EXAMPLE_TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, f"{at} ends with {ran.returncode}:\n{ran.stderr}{ran.stdout}"
    return ran.stdout


def test_the_examples_run_as_written_and_print_what_the_pages_say(kafka: str, path: str, tmp_path: Path) -> None:
    deployment = Documented(kafka, tmp_path, name="skillstream")
    deployment.make_topics()
    worker = deployment.start()
    try:
        worker.await_ready()
        for at, example in [(f"{page}:{block.line}", block) for page in PAGES for block in blocks(page)]:
            if example.printed is not None:
                deployment.await_caught_up()
            printed = run(example, at, kafka, path, tmp_path)
            assert example.prints(printed), f"{at} prints:\n{printed}"
        assert worker.events("rerouted") == 0, "a producer of the pages places keys elsewhere"
        assert worker.events("dead_lettered") == 1
        assert worker.terminate() == 0
        validate(deployment)
    finally:
        worker.end()

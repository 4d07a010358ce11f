"""What the tests of `skillstream dead-letters` share: planted dead letters, and how to run it."""

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest

from agents.cli import main
from schemas.dead_letter import DeadLetter, Header, with_own_headers
from streams.replay import FileRecord
from tests.agents.deployment import PARTITIONS, Deployment, Sent, owning_partition
from tests.events import NOW_MS, raw

_COLD = {name: value for name, value in os.environ.items() if not name.startswith(("SKILLSTREAM_", "OPENAI_"))}
GOOD = [raw(minute=minute) for minute in range(6)]
BAD = b'{"type":"attempt"'
OWNING = owning_partition("ada")
FOREIGN = (OWNING + 1) % PARTITIONS


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run of the command came to; without terminal, 200 columns wide."""

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


@dataclass(frozen=True, slots=True)
class Planted:
    """A dead letter as a worker would have left it for the record at `offset` of the activity topic."""

    channel: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = b"ada"
    reason: str = "invalid_field"
    own: Sequence[Header] = field(default=())
    timestamp_ms: int = NOW_MS
    cut_bytes: int = 0
    epoch: int = 0

    @property
    def sent(self) -> Sent:
        """As a record for the dead-letters topic."""
        dead_letter = DeadLetter(
            topic=self.channel,
            partition=self.partition,
            offset=self.offset,
            timestamp=self.timestamp_ms,
            index=0,
            reason=self.reason,
            error=f"planted as {self.reason}",
            schema_guess="native",
            cut_bytes=self.cut_bytes,
            epoch=self.epoch,
        )
        headers: Any = with_own_headers(dead_letter, self.own)
        return Sent(self.key, self.value, self.partition, headers)


def plant(deployment: Deployment, dead_letters: Sequence[Planted]) -> None:
    """Put them on the dead-letters topic, each on the partition that its record was on."""
    deployment.send([dead_letter.sent for dead_letter in dead_letters], deployment.channels.dead_letters)


def dead_letters(deployment: Deployment, *arguments: str) -> Ran:
    """`skillstream dead-letters ARGUMENTS`, in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        patch.dict(os.environ, environment(deployment), clear=True),
        patch.object(sys, "argv", ["skillstream", "dead-letters", *arguments]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO())),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    code = ended.value.code or 0
    return Ran(int(code), _written(out), _written(err).decode())


def dead_letters_process(deployment: Deployment, *arguments: str, before: str) -> "subprocess.Popen[bytes]":
    """The same as a process of its own, which runs the Python in `before` first."""
    program = f"{before}\nimport sys\nfrom agents.cli import main\nsys.argv[0] = 'skillstream'\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", program, "dead-letters", *arguments],
        env=environment(deployment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def environment(deployment: Deployment) -> dict[str, str]:
    """The settings that the command needs to find the deployment's topics, and whatever else is set here."""
    settings = deployment.settings
    return _COLD | {
        "SKILLSTREAM_BROKER": settings.broker,
        "SKILLSTREAM_APP_ID": settings.app_id,
        "SKILLSTREAM_TOPIC_PREFIX": settings.topic_prefix,
        "SKILLSTREAM_PARTITIONS": str(settings.partitions),
        "COLUMNS": "200",
        **{f"SKILLSTREAM_{name.upper()}": str(value) for name, value in deployment.defaults.items()},
    }


def _written(to: io.TextIOWrapper) -> bytes:
    buffer = to.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


@pytest.fixture
def deployment(broker: str, tmp_path: Path) -> Deployment:
    """One with topics and without a worker."""
    made = Deployment(broker, tmp_path)
    made.make_topics()
    return made


def dead_letter(of: Deployment, offset: int, value: bytes | None, **given: object) -> Planted:
    """A dead letter for the activity topic's record at `offset`, of HOME unless another partition is given."""
    partition = given.pop("partition", OWNING)
    return Planted(of.channels.activity, partition, offset, value, **given)  # type: ignore[arg-type]


def activity(of: Deployment) -> list[FileRecord]:
    """What is on the activity topic."""
    return of.records(of.channels.activity)

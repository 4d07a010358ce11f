"""What the tests of `skillstream dead-letters` share: planted dead letters, and how to run it."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from schemas.dead_letter import DeadLetter, Header, with_own_headers
from streams.replay import FileRecord
from tests.agents.command import Ran, run_here
from tests.agents.deployment import PARTITIONS, Deployment, Sent, owning_partition
from tests.agents.environment import environment as around
from tests.events import NOW_MS, raw

GOOD = [raw(minute=minute) for minute in range(6)]
BAD = b'{"type":"attempt"'
OWNING = owning_partition("ada")
FOREIGN = (OWNING + 1) % PARTITIONS


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
    return run_here(environment(deployment), "dead-letters", *arguments)


def dead_letters_process(deployment: Deployment, *arguments: str, before: str) -> "subprocess.Popen[bytes]":
    """The same as a process of its own, which runs the Python in `before` first; its standard input is a pipe."""
    program = f"{before}\nimport sys\nfrom agents.cli import main\nsys.argv[0] = 'skillstream'\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", program, "dead-letters", *arguments],
        env=environment(deployment),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def environment(deployment: Deployment) -> dict[str, str]:
    """The settings that the command needs to find the deployment's topics, and whatever else is set here."""
    settings = deployment.settings
    return around(
        {
            "broker": settings.broker,
            "app_id": settings.app_id,
            "topic_prefix": settings.topic_prefix,
            "partitions": settings.partitions,
            **deployment.defaults,
        }
    )


@pytest.fixture
def deployment(broker: str, tmp_path: Path) -> Deployment:
    """One with topics and without a worker."""
    made = Deployment(broker, tmp_path, {"model": "none"})
    made.make_topics()
    return made


def dead_letter(of: Deployment, offset: int, value: bytes | None, **given: object) -> Planted:
    """A dead letter for the activity topic's record at `offset`, of HOME unless another partition is given."""
    partition = given.pop("partition", OWNING)
    return Planted(of.channels.activity, partition, offset, value, **given)  # type: ignore[arg-type]


def activity(of: Deployment) -> list[FileRecord]:
    """What is on the activity topic."""
    return of.records(of.channels.activity)

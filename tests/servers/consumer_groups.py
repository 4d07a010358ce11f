"""`kafka-consumer-groups`, the tool that comes with Kafka: what it says of a group."""

import subprocess
from dataclasses import dataclass
from typing import Final

from tests.servers.jars import java, tool_jars

_QUICK: Final = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
_MAIN: Final = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A partition as the tool prints it; None is its dash."""

    committed: int | None
    log_end: int
    lag: int | None
    client_id: str | None


def consumer_group(broker: str, group: str) -> dict[tuple[str, int], GroupRow]:
    """What `--describe --group` prints, by topic and partition. Takes a Java process: some seconds."""
    command = [java(), *_QUICK, "-cp", f"{tool_jars()}/*", _MAIN, "--bootstrap-server", broker]
    ran = subprocess.run(
        [*command, "--describe", "--group", group, "--timeout", "60000"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=True,
    )
    lines = [line.split() for line in ran.stdout.splitlines() if line.strip()]
    names = next(line for line in lines if line[0] == "GROUP")
    rows = [dict(zip(names, line, strict=False)) for line in lines if line[0] == group]
    return {(row["TOPIC"], int(row["PARTITION"])): _row(row) for row in rows}


def _row(row: dict[str, str]) -> GroupRow:
    committed, lag = (None if row[name] == "-" else int(row[name]) for name in ("CURRENT-OFFSET", "LAG"))
    client_id = row.get("CLIENT-ID", "-")
    return GroupRow(committed, int(row["LOG-END-OFFSET"]), lag, None if client_id == "-" else client_id)

"""What commands print is as wide as the terminal, whole words, and plain text where it is piped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest
from confluent_kafka import Producer
from rich.table import Table

from agents.cli import fitted_table
from agents.cli.console import stdout
from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from schemas.catalogue import encode_entry
from schemas.examples import CATALOGUE_ENTRY, EXPLANATION, UPDATE
from streams.input.partitioner import partitioner
from tests.agents.command import Ran, run_here
from tests.events import raw

LONG: Final = (
    "because the behaviour of the autumn term counted far too much, as the teachers of the seventh classes said"
)
REASON: Final = "unexpected character: line 1 column 2 (char 1), in a message that goes on for longer than a line is"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings of a broker with something of everything that commands list."""
    with EmbeddedBroker() as running:
        settings = {"SKILLSTREAM_BROKER": running.bootstrap, "SKILLSTREAM_REASONING": "off"}
        assert run_here(settings, "topics", "create").code == 0
        producer = Producer({"bootstrap.servers": running.bootstrap})
        ada = partitioner("murmur2").owning_partition(b"ada", PARTITIONS) or 0
        producer.produce("student-activity", raw(), b"ada", ada)
        producer.produce("skill-updates", msgspec.json.encode(UPDATE), b"ada", ada)
        producer.produce("skill-reasoning", msgspec.json.encode(EXPLANATION), b"ada", ada)
        producer.produce("skill-catalogue", encode_entry(CATALOGUE_ENTRY), CATALOGUE_ENTRY.config_version.encode(), 0)
        said = {
            "topic": "student-activity",
            "partition": 0,
            "offset": 7,
            "timestamp": 1,
            "index": 0,
            "reason": "not_json",
        }
        headers = {**said, "error": REASON, "schema_guess": "native"}
        producer.produce(
            "dead-letters", b"{not", b"ada", 0, headers=[(f"dl-{name}", str(value)) for name, value in headers.items()]
        )
        assert producer.flush(60) == 0
        assert run_here(settings, "config", "set", "--fusion", "kappa=9", "--reason", LONG).code == 0
        yield settings


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    path.write_bytes(b"\n".join([raw(minute=1), raw("message", text="I kept trying"), b"{not", b"\xff"]))
    return path


LISTING: Final = (
    ("topics", "create"),
    ("topics", "check"),
    ("config", "show"),
    ("config", "history"),
    ("dead-letters", "list"),
    ("dead-letters", "replay", "--dry-run", "--policy", "drop"),
    ("catalogue",),
    ("lag",),
    ("student", "ada"),
    ("replay", "FILE", "--model", "none"),
)
"""Commands that print tables, or texts that are to be read."""


def printed(settings: dict[str, str], arguments: tuple[str, ...], events: Path, **around: str) -> Ran:
    ran = run_here({**settings, **around}, *(str(events) if each == "FILE" else each for each in arguments))
    assert ran.code == 0, ran.err
    assert ran.text
    return ran


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("arguments", LISTING, ids=" ".join)
def test_no_line_is_wider_than_the_terminal(
    broker: dict[str, str], arguments: tuple[str, ...], events: Path, columns: int
) -> None:
    lines = printed(broker, arguments, events, COLUMNS=str(columns)).text.splitlines()

    assert [line for line in lines if len(line) > columns] == []
    assert "…" not in "".join(lines), "a name is cut short"


@pytest.mark.parametrize("around", [{}, {"NO_COLOR": "1", "COLUMNS": "80", "TERM": "xterm-256color"}])
@pytest.mark.parametrize("arguments", LISTING, ids=" ".join)
def test_what_is_piped_is_plain_text(
    broker: dict[str, str], arguments: tuple[str, ...], events: Path, around: dict[str, str]
) -> None:
    ran = printed(broker, arguments, events, **around)

    assert "\x1b" not in ran.text + ran.err


def test_a_line_of_a_piped_table_is_whole_where_nothing_says_how_wide_it_may_be(
    broker: dict[str, str], events: Path
) -> None:
    [row] = [line for line in printed(broker, ("dead-letters", "list"), events).text.splitlines() if "0@0" in line]

    assert REASON in row


def test_a_table_that_does_not_fit_is_shown_row_by_row_with_every_name_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table("", "topic", "policy", "")
    table.add_row("first", "a-name-that-is-quite-long-for-this", "compact,delete", "ok")
    table.add_row("second", "x", "", "missing")
    monkeypatch.setenv("COLUMNS", "40")

    fitted_table.print_fitted(table, stdout)

    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "first",
        "topic   a-name-that-is-quite-long-for-th",
        "        is",
        "policy  compact,delete",
        "ok",
        "",
        "second",
        "topic  x",
        "missing",
    ]

"""docs/producing.md and docs/consuming.md say of the contract what it says."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from schemas import examples
from schemas.contract.json_schemas import json_schema, messages
from schemas.dialects.native import MAX_DEPTH, MAX_EVENT_BYTES
from schemas.event import EARLIEST_TIME
from schemas.topics import ACTIVITY, ATTENTION, DAY_MS, DEAD_LETTERS, MAX_RECORD_BYTES, UPDATES, Topic
from streams.folding.event_time import ALLOWED_LATENESS_US
from streams.rows.row import KNOWN_IDS, RECENT_IDS

_DOCS: Final = Path(__file__).parents[2] / "docs"
_PRODUCING: Final = (_DOCS / "producing.md").read_text("utf-8")
_OF_ALL: Final = ("type", "version", "event_id", "student_id", "time")


def _days(topic: Topic) -> int:
    return int(topic.config["retention.ms"]) // DAY_MS


def row(schema: dict[str, Any]) -> str:
    """A type of event, as a line of the table in producing.md."""
    kind = schema["properties"]["type"]["enum"][0]
    [example] = [message for message in messages("student-activity") if message["type"] == kind]
    shown: dict[bool, list[str]] = {True: [], False: []}
    for name, value in example.items():
        if name not in _OF_ALL:
            shown[name in schema["required"]].append(f"`{json.dumps(name)}: {json.dumps(value)}`")
    cell = ", ".join(shown[True]) + (f" · {', '.join(shown[False])}" if shown[False] else "")
    return f"| `{kind}` | {schema['description']} | {cell.strip()} |"


@pytest.mark.parametrize("name", json_schema("student-activity")["$defs"])
def test_a_type_of_event_is_shown_as_the_contract_has_it(name: str) -> None:
    assert row(json_schema("student-activity")["$defs"][name]) in _PRODUCING.splitlines()


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("producing.md", f"from {EARLIEST_TIME.year} on"),
        ("producing.md", f"A time before {EARLIEST_TIME.year} is a dead letter"),
        ("producing.md", f"last {KNOWN_IDS:,} of its student"),
        ("producing.md", f"its id is among the last {RECENT_IDS}"),
        ("producing.md", f"{MAX_EVENT_BYTES >> 20} MiB and {MAX_DEPTH} levels of nesting"),
        ("producing.md", f"records of {MAX_RECORD_BYTES >> 20} MiB"),
        ("producing.md", {3600: "more than an hour older"}[ALLOWED_LATENESS_US // 1_000_000]),
        ("consuming.md", f"{_days(ACTIVITY)} and {_days(DEAD_LETTERS)} days"),
        ("consuming.md", {365: "go after a year"}[_days(UPDATES)]),
    ],
)
def test_bounds_are_those_of_the_code(page: str, said: str) -> None:
    assert said in " ".join((_DOCS / page).read_text("utf-8").split())


def test_a_record_of_attention_is_shown_as_the_contract_has_it() -> None:
    shown = (_DOCS / "consuming.md").read_text("utf-8").splitlines()

    assert f"    {msgspec.json.encode(examples.ATTENTION_RECORD).decode()}" in shown
    assert "kept for 30 days, but after 7 only" in " ".join(map(str.strip, shown))
    assert (_days(ATTENTION), int(ATTENTION.config["min.compaction.lag.ms"]) // DAY_MS) == (30, 7)

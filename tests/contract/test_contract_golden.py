"""What a version was read as once, it is read as for ever: golden files, added to and never renewed.

`<kind>.v<version>.json` holds bytes as text, and every field that they must be read as; later fields may come on top.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.catalogue import read_entry
from schemas.contract.json_schemas import message_version
from schemas.dead_letter import from_headers, own_headers
from schemas.dialects import native
from schemas.errors import InvalidInput
from schemas.event import NativeEvent
from schemas.explanation import read_explanation
from schemas.history import read_history
from schemas.reasoning_result import read_result
from schemas.upcasting import upcast
from schemas.update import read_update

_GOLDEN: Final = Path(__file__).parent / "golden" / "messages"
_FILES: Final = sorted(path.name for path in _GOLDEN.iterdir())
_RELEASED: Final = Path(__file__).parents[2] / "docs" / "contract" / "released"
_NATIVE_EVENT: Final[Any] = NativeEvent
_EVENTS: Final = {
    f"event-{each['properties']['type']['enum'][0]}": "student-activity"
    for each in msgspec.json.schema(_NATIVE_EVENT)["$defs"].values()
}
_KINDS: Final = _EVENTS | {
    "update": "skill-updates",
    "explanation": "skill-reasoning",
    "catalogue": "skill-catalogue",
    "history": "skill-history",
    "result": "reasoning-results",
    "dead-letter": "dead-letters",
}
_READERS: Final = {
    "update": read_update,
    "explanation": read_explanation,
    "result": read_result,
    "catalogue": read_entry,
    "history": read_history,
}


def read(kind: str, case: dict[str, Any]) -> Any:
    """What the program makes of a golden message."""
    if kind in _EVENTS:
        return native.decode(case["message"].encode())
    if kind in _READERS:
        return _READERS[kind](case["message"].encode())
    return from_headers([(name, value.encode()) for name, value in case["headers"]])


def spelt_out(value: Any) -> Any:
    """A message as JSON has it, defaults and all."""
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        fields = {name: spelt_out(getattr(value, name)) for name in value.__struct_fields__}
        return fields | ({"type": tag} if tag else {})
    if isinstance(value, dict):
        return {name: spelt_out(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [spelt_out(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value


def holds(found: Any, golden: Any) -> bool:
    """Whether all that is in `golden` is in `found`, and nothing of it differs."""
    if isinstance(golden, dict):
        return isinstance(found, dict) and all(
            name in found and holds(found[name], part) for name, part in golden.items()
        )
    if isinstance(golden, list):
        return len(found) == len(golden) and all(map(holds, found, golden))
    return bool(found == golden) and isinstance(found, bool) == isinstance(golden, bool)


@pytest.mark.parametrize("name", _FILES)
def test_what_a_version_was_read_as_it_still_is(name: str) -> None:
    kind, number, _ = name.split(".")
    for case in orjson.loads((_GOLDEN / name).read_bytes()):
        found = spelt_out(read(kind, case))
        assert holds(found, case["reads_as"]), f"{case['why']}: {found}"
        if "own_headers" in case:
            headers = [(name, value.encode()) for name, value in case["headers"]]
            assert [[name, (value or b"").decode()] for name, value in own_headers(headers)] == case["own_headers"]
        Draft202012Validator(_schema(f"{_KINDS[kind]}.{number}.schema.json", kind)).validate(
            orjson.loads(case["message"]) if "message" in case else dict(case["headers"])
        )


def _schema(file: str, kind: str) -> Any:
    """What was released of a message; of a version or a type of event that is newer, what is to be."""
    if not (_RELEASED / file).exists():
        return orjson.loads((_RELEASED.parent / file).read_bytes())
    released = orjson.loads((_RELEASED / file).read_bytes())
    types = released.get("discriminator", {}).get("mapping", {})
    is_newer = kind.startswith("event-") and kind.removeprefix("event-") not in types
    return orjson.loads((_RELEASED.parent / file).read_bytes()) if is_newer else released


def test_every_kind_of_message_has_a_golden_file_of_every_version() -> None:
    versions = {kind: range(1, message_version(topic) + 1) for kind, topic in _KINDS.items()}

    assert set(_FILES) == {f"{kind}.v{number}.json" for kind, numbers in versions.items() for number in numbers}


@pytest.mark.parametrize("reader", [read_update, read_explanation])
@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"null",
        b"[1]",
        b'{"version":1}',
        b'{"version":1,"skills":{"a":[]}}',
        b'{"version":1,"skills":[{}]}',
        b'{"version":3,"skills":{}}',
        b'{"version":1,"skills":' + b"[" * 100_000,
        b'{"version":1,"later":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
def test_what_is_of_no_version_is_refused_and_nothing_else_is_raised(
    reader: Callable[[bytes], object], value: bytes
) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        reader(value)


@pytest.mark.parametrize("other", [0, 2, "1", None, 1.5, True, [1]])
def test_an_event_of_a_version_without_an_upcaster_is_not_read(other: object) -> None:
    value = {**_EVENT, "version": other}

    with pytest.raises(InvalidInput) as refused:
        native.decode(orjson.dumps(value))

    assert refused.value.reason == ("invalid_field" if other is True else "unknown_version")


def test_upcasters_lead_from_version_to_version() -> None:
    upcasters = {
        1: lambda document: {**document, "version": 2, "renamed": document["event_id"]},
        2: lambda document: {**document, "version": 3},
    }

    assert upcast(_EVENT, upcasters) == {**_EVENT, "version": 3, "renamed": "e1"}
    for untouched in ({**_EVENT, "version": 3}, {**_EVENT, "version": True}, {"type": "attempt"}, [1], None):
        assert upcast(untouched, upcasters) == untouched


_EVENT: Final = {
    "type": "hint",
    "version": 1,
    "event_id": "e1",
    "student_id": "ada",
    "time": "2026-01-05T09:00:00Z",
    "item_id": "q",
}

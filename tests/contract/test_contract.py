"""The committed contract: what the types generate, and nothing that breaks who codes against the released one."""

from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator, Draft202012Validator

from agents.cli.schema import command
from schemas import examples
from schemas.contract.json_schemas import MESSAGE_TOPICS, json_schema, messages
from schemas.dead_letter import REINSERTED_HEADER
from schemas.topics import ACTIVITY, REASONING, UPDATES
from streams.input.origin import ORIGIN_HEADER
from streams.input.signature import SIGNATURE_HEADER
from streams.input.tenancy import TENANT_HEADER
from tests.contract.compatibility import Direction, breaks

_COMMITTED: Final = Path(__file__).parents[2] / "docs" / "contract"
_RELEASED: Final = _COMMITTED / "released"
_DIRECTIONS: Final[dict[str, Direction]] = {
    "student-activity": "read",
    "skill-updates": "said",
    "skill-reasoning": "said",
    "reasoning-results": "both",
    "dead-letters": "both",
}
_BOUNDED_SINCE: Final = {"reasoning-results": "is accepted, any may come"}
"""Only workers write this topic, and none of any version wrote more than a row holds: bounds break nobody there."""
_ASYNCAPI: Final = "asyncapi.json"


def contents(folder: Path) -> dict[str, Any]:
    return {path.name: orjson.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def pointed_at(document: Any, pointer: str) -> Any:
    for name in pointer.removeprefix("#/").split("/"):
        document = document[name]
    return document


def references(document: Any) -> set[str]:
    if isinstance(document, list):
        return set().union(*map(references, document))
    if not isinstance(document, dict):
        return set()
    own = {document["$ref"]} if isinstance(document.get("$ref"), str) else set()
    return own.union(*map(references, document.values()))


def test_the_committed_contract_is_what_the_types_generate(tmp_path: Path) -> None:
    ran = CliRunner().invoke(command, ["--out", str(tmp_path)])

    assert ran.exit_code == 0, ran.output
    generated, committed = contents(tmp_path), contents(_COMMITTED)
    assert committed == generated, "run `make contract`, and commit what it changes in docs/contract"
    assert len(generated) == len(MESSAGE_TOPICS) + 3


@pytest.mark.parametrize("name", sorted(path.name for path in _RELEASED.glob("*.schema.json")))
def test_a_released_message_is_unbroken_or_has_a_new_version(name: str) -> None:
    topic = name.split(".")[0]
    present = contents(_COMMITTED)
    if name not in present:  # its version was raised: see tests/contract/golden for what must still be read
        assert int(name.split(".")[1][1:]) < max(int(other.split(".")[1][1:]) for other in present if topic in other)
        return

    found = breaks(contents(_RELEASED)[name], present[name], _DIRECTIONS[topic])
    if topic in _BOUNDED_SINCE:
        found = [one for one in found if not one.endswith(_BOUNDED_SINCE[topic])]

    assert not found, f"{name} would break who codes against it; raise its version, or undo: {found}"


def test_released_topics_keep_their_names_keys_and_policies() -> None:
    released, present = contents(_RELEASED)[_ASYNCAPI], contents(_COMMITTED)[_ASYNCAPI]

    for name, channel in released["channels"].items():
        now = present["channels"][name]
        assert now["address"] == channel["address"]
        assert channel["messages"].keys() <= now["messages"].keys()
        before, after = (one["bindings"]["kafka"]["topicConfiguration"] for one in (channel, now))
        assert after["cleanup.policy"] == before["cleanup.policy"], name
        assert after.get("max.message.bytes", 0) >= before.get("max.message.bytes", 0), name
    assert released["operations"].keys() <= present["operations"].keys()


@pytest.mark.parametrize("topic", MESSAGE_TOPICS)
def test_schemas_are_named_described_and_their_examples_are_valid(topic: str) -> None:
    schema = json_schema(topic)

    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith(f"urn:skillstream:{topic}:v")
    assert schema["title"] == topic
    assert schema["description"]
    assert schema["examples"]
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)
        assert not Draft202012Validator(schema).is_valid({**example, next(iter(example)): []})


def test_every_kind_of_event_has_an_example_that_sets_what_can_be_set() -> None:
    schema = json_schema("student-activity")
    by_kind = {said["properties"]["type"]["enum"][0]: set(said["properties"]) for said in schema["$defs"].values()}
    at_their_defaults = {"voidable", "reset", "act_ids", "course_id", "class_id", "school_id", "source"}

    assert {event["type"]: set(event) | at_their_defaults for event in messages("student-activity")} == {
        kind: fields | at_their_defaults for kind, fields in by_kind.items()
    }
    assert len(examples.EVENTS) == len(by_kind)


def test_the_asyncapi_document_is_whole() -> None:
    document = contents(_COMMITTED)[_ASYNCAPI]

    for reference in references(document):
        assert pointed_at(document, reference), reference
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        Draft7Validator.check_schema(schema)
        assert {part for part in references(schema) if not part.startswith("#/components/schemas/")} == set(), name
    used = {reference for part in ("channels", "operations", "components") for reference in references(document[part])}
    assert {f"#/components/messages/{name}" for name in document["components"]["messages"]} <= used
    assert {f"#/components/schemas/{name}" for name in schemas} <= used


def test_the_examples_of_the_asyncapi_document_are_valid() -> None:
    document = contents(_COMMITTED)[_ASYNCAPI]
    shown = 0

    for message in document["components"]["messages"].values():
        for example in message.get("examples", ()):
            for part, value in example.items():
                schema = {**message[part], "components": document["components"]}
                Draft7Validator(schema).validate(value)
                assert not Draft7Validator(schema).is_valid({}), message["name"]
                shown += 1
    assert shown == len(examples.EVENTS) + len(examples.CONFIGS) + len(MESSAGE_TOPICS) - 2


def test_a_tuple_is_one_in_the_older_form_of_schemas_too() -> None:
    document = contents(_COMMITTED)[_ASYNCAPI]
    schema = {**document["components"]["schemas"]["SkillUpdate"], "components": document["components"]}
    [update] = messages("skill-updates")

    for wrong in ([0], [0, 1, 2], [-1, 0], ["0", 1]):
        assert not Draft7Validator(schema).is_valid({**update, "seq": wrong}), wrong


def test_what_the_contract_says_of_headers_and_sizes_is_what_the_code_does() -> None:
    ours = {ORIGIN_HEADER, REINSERTED_HEADER, SIGNATURE_HEADER, TENANT_HEADER}
    assert set(ACTIVITY.headers) == ours | {"traceparent", "tracestate"}
    assert set(UPDATES.headers) == set(REASONING.headers) == {"traceparent", "tracestate"}
    headers = json_schema("dead-letters")["properties"]
    assert list(headers) == [f"dl-{name}" for name in msgspec.structs.asdict(examples.DEAD_LETTER)]

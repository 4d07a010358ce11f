"""The contract as one AsyncAPI 3.0 document: all topics, their messages, and what this program does with them.

Payloads are in the form of AsyncAPI's own schemas, which are those of JSON Schema draft 7: it says tuples otherwise.
"""

from collections.abc import Iterator
from importlib.metadata import version as version_of
from typing import Any, Final

import msgspec

from schemas.contract.json_schemas import MESSAGE_TOPICS as WITH_SCHEMA
from schemas.contract.json_schemas import cleaned, dead_letter_headers, message_version, messages, types
from schemas.topics import (
    ACTIVITY,
    ATTENTION,
    DEAD_LETTERS,
    ERASURES,
    HISTORY,
    NORM_SHARDS,
    NORM_SNAPSHOTS,
    REASONING,
    TOPICS,
    UPDATES,
    Topic,
)

_BINDING_VERSION: Final = "0.5.0"
_NUMBERS: Final = ("retention.ms", "max.message.bytes")
_ERASED: Final = {
    UPDATES.name: "ForgottenUpdate",
    HISTORY.name: "ForgottenHistory",
    REASONING.name: "ForgottenExplanation",
    ATTENTION.name: "ForgottenAttention",
}
_OPAQUE: Final = {
    ERASURES.name: ("Erasure", "Any value but null; it is not read, but for the answers of workers."),
    NORM_SHARDS.name: ("NormShardPiece", "A piece of a partition's sums, for workers."),
}


def document() -> dict[str, Any]:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "skillstream",
            "version": version_of("skillstream"),
            "description": "Learning events in; skill scores with evidence, and explanations, out. Messages carry a "
            "version of their own: what breaks who codes against one raises it.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{broker}",
                "protocol": "kafka",
                "description": "The deployment's Kafka (SKILLSTREAM_BROKER).",
                "variables": {"broker": {"default": "127.0.0.1:9092"}},
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: operation for topic in TOPICS for name, operation in _operations(topic)},
        "components": {
            "messages": {name: message for topic in TOPICS for name, message in _messages(topic)},
            "schemas": _schemas(),
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": f"{{prefix}}{topic.name}",
        "description": topic.summary,
        "parameters": {"prefix": {"description": "SKILLSTREAM_TOPIC_PREFIX", "default": ""}},
        "messages": {name: _ref("components", "messages", name) for name, _ in _messages(topic)},
        "bindings": {"kafka": {"topicConfiguration": _configuration(topic), "bindingVersion": _BINDING_VERSION}},
    }


def _configuration(topic: Topic) -> dict[str, Any]:
    said: dict[str, Any] = {name: int(topic.config[name]) for name in _NUMBERS if name in topic.config}
    return {"cleanup.policy": topic.config["cleanup.policy"].split(","), **said}


def _operations(topic: Topic) -> Iterator[tuple[str, dict[str, Any]]]:
    for action, said in (("receive", topic.receives), ("send", topic.sends)):
        if said:
            yield (
                f"{action}-{topic.name}",
                {
                    "action": action,
                    "summary": said,
                    "channel": _ref("channels", topic.name),
                    "messages": [_ref("channels", topic.name, "messages", name) for name, _ in _messages(topic)],
                },
            )


def _messages(topic: Topic) -> Iterator[tuple[str, dict[str, Any]]]:
    common: dict[str, Any] = {
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": _BINDING_VERSION}}
    }
    if topic.headers:
        own = {name: {"type": "string", "description": said} for name, said in topic.headers.items()}
        common["headers"] = {"type": "object", "properties": own}
    if topic is DEAD_LETTERS:
        headers = dead_letter_headers()
        example = {"headers": headers.pop("examples")[0]}
        said = {"summary": "The record as it came, whatever it is.", "contentType": "application/octet-stream"}
        yield "DeadLetter", {"name": "DeadLetter", **said, **common, "headers": headers, "examples": [example]}
    elif opaque := _OPAQUE.get(topic.name):
        yield opaque[0], _opaque(*opaque, common)
    else:
        yield from _of_types(topic, common)
    if topic is ACTIVITY:
        said = {"summary": "A record of another dialect, as docs/dialects.md says.", "contentType": "application/json"}
        yield "OtherDialect", {"name": "OtherDialect", **said, **common}
    elif topic is NORM_SNAPSHOTS:
        yield "NormPiece", _opaque("NormPiece", "A piece of a snapshot's bytes, for workers.", common)
    elif name := _ERASED.get(topic.name):
        said = {"summary": "A record without a value: the student was erased."}
        yield name, {"name": name, **said, "payload": {"type": "null"}, **common}


def _opaque(name: str, summary: str, common: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "summary": summary, "contentType": "application/octet-stream", **common}


def _of_types(topic: Topic, common: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in types(topic.name):
        name = kind.__name__
        shown = [said for said in messages(topic.name) if said.get("type") == kind.__struct_config__.tag]
        yield (
            name,
            {
                "name": name,
                "title": f"{name}, version {message_version(topic.name)}",
                "payload": _ref("components", "schemas", name),
                **common,
                "examples": [{"payload": payload} for payload in shown],
            },
        )


def _schemas() -> dict[str, Any]:
    all_types = [kind for topic in WITH_SCHEMA for kind in types(topic)]
    _, schemas = msgspec.json.schema_components(all_types, ref_template="#/components/schemas/{name}")
    said: dict[str, Any] = _draft_7(cleaned(schemas))
    return dict(sorted(said.items()))


def _draft_7(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_draft_7(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    said = {name: _draft_7(part) for name, part in schema.items()}
    if "prefixItems" in said:
        if "items" in said:
            said["additionalItems"] = said.pop("items")
        said["items"] = said.pop("prefixItems")
    return said


def _ref(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}

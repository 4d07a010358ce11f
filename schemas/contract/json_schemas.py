"""The contract: the JSON Schema of every message, generated from the types that encode and decode them.

A message's version is raised when what is said in `tests/contract/compatibility.py` would break who codes against it.
"""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any, Final, get_args, get_type_hints

import msgspec

from schemas import examples, topics
from schemas.announcement import WorkerAnnouncement
from schemas.attention import AttentionRecord
from schemas.audit import AuditRecord
from schemas.catalogue import CatalogueEntry
from schemas.dead_letter import DeadLetter, to_headers
from schemas.event import NativeEvent
from schemas.explanation import Explanation, ReasoningResult
from schemas.fusion_config import FusionConfigMessage
from schemas.history import SkillHistory
from schemas.identity import StudentIdentity
from schemas.identity_start import IdentityStartRecord
from schemas.norms import NormManifest
from schemas.tenant_hold import TenantHoldRecord
from schemas.update import SkillUpdate

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_FIRST_VERSION: Final = 1
_NATIVE_EVENT: Final[Any] = NativeEvent
_FUSION_CONFIG: Final[Any] = FusionConfigMessage
_EXAMPLES: Final[Mapping[str, tuple[Any, ...]]] = {
    topics.ACTIVITY.name: examples.EVENTS,
    topics.UPDATES.name: (examples.UPDATE,),
    topics.HISTORY.name: (examples.STUDENT_HISTORY,),
    topics.REASONING.name: (examples.EXPLANATION,),
    topics.RESULTS.name: (examples.RESULT,),
    topics.ATTENTION.name: (examples.ATTENTION_RECORD,),
    topics.FUSION_CONFIG.name: examples.CONFIGS,
    topics.CATALOGUE.name: (examples.CATALOGUE_ENTRY,),
    topics.NORM_SNAPSHOTS.name: (examples.NORM_MANIFEST,),
    topics.WORKERS.name: (examples.ANNOUNCEMENT,),
    topics.AUDIT.name: (examples.AUDIT_RECORD,),
    topics.TENANT_HOLD_LOG.name: (examples.TENANT_HOLD,),
    topics.IDENTITIES.name: (examples.IDENTITY,),
    topics.IDENTITY_STARTS.name: (examples.IDENTITY_START,),
}
_TYPES: Final[Mapping[str, Any]] = {
    topics.ACTIVITY.name: _NATIVE_EVENT,
    topics.UPDATES.name: SkillUpdate,
    topics.HISTORY.name: SkillHistory,
    topics.REASONING.name: Explanation,
    topics.RESULTS.name: ReasoningResult,
    topics.ATTENTION.name: AttentionRecord,
    topics.FUSION_CONFIG.name: _FUSION_CONFIG,
    topics.CATALOGUE.name: CatalogueEntry,
    topics.NORM_SNAPSHOTS.name: NormManifest,
    topics.WORKERS.name: WorkerAnnouncement,
    topics.AUDIT.name: AuditRecord,
    topics.TENANT_HOLD_LOG.name: TenantHoldRecord,
    topics.IDENTITIES.name: StudentIdentity,
    topics.IDENTITY_STARTS.name: IdentityStartRecord,
}
_SUMMARIES: Final = {topic.name: topic.summary for topic in topics.TOPICS}
MESSAGE_TOPICS: Final = (*_TYPES, topics.DEAD_LETTERS.name)


def json_schema(topic: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a topic's values; of its headers, for `dead-letters`. Raises KeyError."""
    if topic == topics.DEAD_LETTERS.name:
        body = dead_letter_headers()
    else:
        body = cleaned(msgspec.json.schema(_TYPES[topic])) | {"examples": messages(topic)}
    return {
        "$schema": DIALECT,
        "$id": f"urn:skillstream:{topic}:v{message_version(topic)}",
        "title": topic,
        "description": _SUMMARIES[topic],
        **body,
    }


def message_version(topic: str) -> int:
    """The version of the messages that a topic carries; 1 where they do not name it. Raises KeyError."""
    if topic == topics.DEAD_LETTERS.name:
        return _FIRST_VERSION
    first = (get_args(_TYPES[topic]) or (_TYPES[topic],))[0]
    named: int = get_args(get_type_hints(first)["version"])[0]
    return named


def types(topic: str) -> tuple[Any, ...]:
    """The types of a topic's values, one a kind of message; none for those without a schema."""
    if topic not in _TYPES:
        return ()
    return get_args(_TYPES[topic]) or (_TYPES[topic],)


def messages(topic: str) -> list[Any]:
    """Examples of a topic's values, as JSON documents."""
    return [msgspec.json.decode(msgspec.json.encode(message)) for message in _EXAMPLES[topic]]


def dead_letter_headers() -> dict[str, Any]:
    """The schema of the headers that are ours on a dead letter. Kafka has bytes there: UTF-8, numbers in digits."""
    written = msgspec.json.schema(DeadLetter)["$defs"]["DeadLetter"]
    return {
        "type": "object",
        "properties": {f"dl-{name}": _as_text(said) for name, said in written["properties"].items()},
        "required": [f"dl-{name}" for name in written["required"]],
        "examples": [{name: value.decode() for name, value in to_headers(examples.DEAD_LETTER)}],
    }


def _as_text(schema: dict[str, Any]) -> dict[str, Any]:
    if schema["type"] != "integer":
        return schema
    default = {"default": str(schema["default"])} if "default" in schema else {}
    return {"type": "string", "pattern": "^-?[0-9]+$", **default}


def cleaned(document: Any) -> Any:
    """`document` with the descriptions that are docstrings unindented."""
    if isinstance(document, list):
        return [cleaned(part) for part in document]
    if not isinstance(document, dict):
        return document
    return {
        name: cleandoc(part) if name == "description" and isinstance(part, str) else cleaned(part)
        for name, part in document.items()
    }

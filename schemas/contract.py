"""The contract: the JSON Schema of every message, generated from the types that encode and decode them."""

from typing import Any

import msgspec

from schemas.dead_letter import DeadLetter
from schemas.event import NativeEvent
from schemas.explanation import Explanation, ReasoningResult
from schemas.update import SkillUpdate

_MESSAGES: dict[str, Any] = {
    "student-activity": NativeEvent,
    "skill-updates": SkillUpdate,
    "skill-reasoning": Explanation,
    "reasoning-results": ReasoningResult,
    "dead-letters": DeadLetter,
}
TOPICS = tuple(_MESSAGES)


def json_schema(topic: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a topic's values; of its headers, for `dead-letters`. Raises KeyError."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": topic,
        **msgspec.json.schema(_MESSAGES[topic]),
    }

"""What every request says: how to explain, and the form of the answer.

Providers charge less for a beginning of at least 1,024 tokens that they have seen before, so what is the same for all
stands first, and has its examples.
"""

from importlib.resources import files
from string import Template
from typing import Final

MAX_CLAIMS: Final = 5
MAX_CLAIM_CHARS: Final = 240

INSTRUCTIONS: Final = Template((files("streams.reasoning.request") / "instructions.txt").read_text("utf-8")).substitute(
    claims=MAX_CLAIMS, chars=MAX_CLAIM_CHARS
)

REPLY_SCHEMA: Final[dict[str, object]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["skills"],
    "properties": {
        "skills": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["skill", "claims"],
                "properties": {
                    "skill": {"type": "string"},
                    "claims": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["text", "evidence", "direction"],
                            "properties": {
                                "text": {"type": "string"},
                                "evidence": {"type": "array", "items": {"type": "string"}},
                                "direction": {"type": "string", "enum": ["up", "down", "neither"]},
                            },
                        },
                    },
                },
            },
        }
    },
}
"""The agreed form, in the strict subset. The same for every request: a provider compiles each new schema, slowly, so
the ids are left to the check afterwards.
"""

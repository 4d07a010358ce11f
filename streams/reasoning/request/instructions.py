"""What every request says: how to explain, and the form of the answer."""

from typing import Final

MAX_CLAIMS: Final = 5
MAX_CLAIM_CHARS: Final = 240

INSTRUCTIONS: Final = f"""\
You explain to a teacher why a learner's skill scores are what they are. You are given the facts; use nothing else.
For every skill, write 1 to {MAX_CLAIMS} claims. A claim is one or two short, plain sentences, at most \
{MAX_CLAIM_CHARS} characters, that rests on one or more facts of that skill: give their ids in `evidence`, and in \
`direction` whether they move the score up or down. Facts of unlike direction need claims of their own.
A skill of kind "profile" has no score: say what was done, how often and of how many times, and give the direction \
"neither". Never say that it speaks for or against the skill, and name no level.
Write no number but those of the cited facts, of their age in days, and of that skill's score, confidence, low and high.
Do not write fact ids in the text. Do not diagnose, label or advise; speak of what was done, not of what the learner is.
Use short words. No markup."""

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

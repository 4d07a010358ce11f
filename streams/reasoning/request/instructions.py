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
Write no number, in digits or in words. For a number of a fact that you cite write its slot as it stands in the fact, \
like {{e1}}, which is replaced by what `slots` says, its unit with it; {{e1.when}} is replaced by how long ago it was. \
{{score}}, {{low}}, {{high}} are the skill's own. No other slots.
Say only what the cited facts say was done: no reasons, feelings, habits, names or other people, nothing of what the \
learner is, knows or wants, nothing of the future, no comparison with others, no advice, no diagnosis.
Use short, plain English words. No markup."""

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

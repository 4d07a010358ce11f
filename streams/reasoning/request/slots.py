"""Slots: where a claim wants a number of its facts, it names the fact, and the number is put in here.

    "Passed a task on {e2}, {e2.when}."  ──►  "Passed a task on try 3, 2 days ago."

What is put in has its unit with it, so that a number can't change its meaning; of a skill's own there are {score},
{low} and {high}.
"""

import re
from collections.abc import Mapping
from typing import Final

SLOT: Final = re.compile(r"\{([^{}]*)\}")
_COUNTED: Final = re.compile(
    r"\s*(?:of (?:the|all|their|these|those|every)|in every|(?:(?!of|in|on|to|for|from|between|before|after)\w+ )?"
    r"(?:tasks|pieces|works|times|hints|runs|videos|messages|tries|attempts|answers|points|learners|questions|courses|"
    r"deadlines|dates|controls|marks)\b)"
)


def slots_in(text: str) -> list[str]:
    """The names of the slots, in their order."""
    return SLOT.findall(text)


def without_slots(text: str) -> str:
    """The text's own words; a slot leaves a gap that no word reaches across."""
    return SLOT.sub(" , ", text)


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its numbers. Raises KeyError for a slot without a value."""
    return SLOT.sub(lambda slot: values[slot[1]], text)


def misused_slot(text: str) -> str | None:
    """A slot that is made to count something: "{e1} tasks", "{e1} of the tasks"; None if there is none.

    What is put in brings its own unit.
    """
    for slot in SLOT.finditer(text):
        if not slot[1].endswith(".when") and _COUNTED.match(text, slot.end()):
            return slot[1]
    return None

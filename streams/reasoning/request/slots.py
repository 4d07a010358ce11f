"""Slots: where a claim wants a number of its facts, it names the fact, and the number is put in here.

    "Passed a task on {e2}, {e2.when}."  ──►  "Passed a task on try 3, 2 days ago."

What is put in has its unit with it, so that a number can't change its meaning; of a skill's own there are {score},
{low} and {high}.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

SKILL_SLOTS: Final = ("score", "low", "high", "confidence")
"""A skill's own numbers."""
SLOT: Final = re.compile(r"\{([^{}]*)\}")
_COUNTED: Final = re.compile(
    r"\s*(?:of (?:the|all|their|these|those|every)|in every|"
    r"(?:(?!of|in|on|to|for|from|between|before|after|were|are)\w+ )?"
    r"(?:tasks|pieces|works|times|hints|runs|videos|messages|tries|attempts|answers|points|learners|questions|courses|"
    r"deadlines|dates|controls|marks|ratings|grades|words|days|minutes|seconds|acts|steps|sittings|requests|goals|replies|"
    r"simulations|sliders|variables|works|assignments|reflections|students|pupils|exercises|clips|posts|resets)"
    r"\b)"
)
_SPENT: Final = re.compile(
    r"\b(?:(?:spent|spends?|spending|worked)(?: about| over| all of)?|(?<!asked )(?<!asking )for) $", re.IGNORECASE
)
_TIME: Final = re.compile(r"\d (?:second|minute|hour|day)s?$")
_DONE: Final = re.compile(r"\b(?:fail\w*|pass\w*|miss\w*|skip\w*|lost|won) $", re.IGNORECASE)
_BEFORE_SCORE: Final = re.compile(
    r"(?:^|[^\w\s] ?|\b(?:score|is|was|of|at|between|and|from|to|about|around|near|now) )$", re.IGNORECASE
)
_ON: Final = re.compile(r"\s+on\b", re.IGNORECASE)
_INSIDE: Final = re.compile(r"\w $")
_SINCE: Final = re.compile(r"\bsince $", re.IGNORECASE)
_BEFORE_THAT: Final = re.compile(
    r"\bbefore that(?: time)?[,:]? (?:(?:it|they|that) (?:was|were|did) )?(?:to |in |on |with |of )?$", re.IGNORECASE
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


def counted_slots(text: str) -> Iterator[tuple[str, str]]:
    """The slots that are made to count something, and what: "{e1} tasks"; "" for what is left open, "{e1} of the".

    What is put in brings its own unit.
    """
    for slot in SLOT.finditer(text):
        if not slot[1].endswith((".when", ".since", ".task")) and (counted := _COUNTED.match(text, slot.end())):
            noun = counted.group().split()[-1]
            yield slot[1], noun if noun.endswith("s") else ""


def misplaced_slot(text: str, values: Mapping[str, str]) -> str | None:
    """A slot whose value does not fit its place: "got {e1.when} ratings", "spent" no time, "failed {e1}", a try,
    a skill's own number of which no score is spoken, or what was counted at another time; None if there is none.
    """
    for slot in SLOT.finditer(text):
        before, after = text[: slot.start()], text[slot.end() :]
        if not (_fits(slot[1], values[slot[1]], before, after) and _fits_in_time(slot[1], before)):
            return slot[1]
    return None


def _fits_in_time(name: str, before: str) -> bool:
    """Whether what was counted before the last explanation, and nothing else, is told as that, its time as since."""
    if name.endswith(".since"):
        return _SINCE.search(before) is not None
    return name.endswith((".when", ".task")) or name.endswith(".before") == (_BEFORE_THAT.search(before) is not None)


def _fits(name: str, value: str, before: str, after: str) -> bool:
    if name.endswith(".when"):
        return _INSIDE.search(before) is None or _COUNTED.match(after) is None
    if name in SKILL_SLOTS:
        return _BEFORE_SCORE.search(before) is not None
    if _SPENT.search(before):
        return _TIME.search(value) is not None
    if value.endswith((" seconds", " second")) and _ON.match(after):  # those before a run, told as spent on a task
        return False
    return _DONE.search(before) is None or not value.startswith("try ")

"""When things were done, in words of the claim's own: the time of a fact comes from its slot, as numbers do."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from streams.reasoning.check.lexicon import load, pattern_of

_TIMES: Final = pattern_of(load()["times"]["words"])
_TODAY: Final = re.compile(r"\btoday\b", re.IGNORECASE)


def untimely(text: str, times: Collection[str]) -> Iterator[str]:
    """The time that `text` names though none of its facts' `times` is that. Slots taken out."""
    if found := _TIMES.search(text):
        yield f"says when; times stand in slots ({found.group().lower()})"
    if "today" not in times and _TODAY.search(text):
        yield "says that it was today, which no cited fact says"

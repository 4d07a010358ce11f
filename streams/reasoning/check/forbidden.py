"""What no claim may say, whatever its facts: of a person, of other people, of times to come, of what to do."""

import re
from collections.abc import Iterator
from typing import Final

from streams.reasoning.check.lexicon import load, pattern_of, phrases_of

_TABLES: Final = load()
_RULES: Final = [(rule["fault"], phrases_of(rule)) for rule in _TABLES["forbidden"]]
_OF_ONE: Final = [(_TABLES[name]["fault"], phrases_of(_TABLES[name])) for name in ("trends", "pairs")]
_CHANGED: Final = _TABLES["trends"]["fault"]
_MORE, _LESS = (pattern_of(_TABLES["trends"][side]) for side in ("more", "less"))
_PROFILE: Final = _TABLES["verdicts"]["fault"], phrases_of(_TABLES["verdicts"])
_IMPERATIVES: Final = re.compile(
    rf"(?:^|[.;:!?–—]\s+|\band )(?:{'|'.join(_TABLES['imperatives']['words'].split())})\s+(?!was|were|had|did)\w",
    re.IGNORECASE,
)


def forbidden_in(text: str, facts: int, worded: str = "", *, profile: bool = False) -> Iterator[str]:
    """What `text`, which rests on that many facts, may not say; each with the words that say it. Slots taken out.

    Nothing is high or low that has no score: of a `profile` no verdict may be given.

    What stands in `worded`, the skills file's own words for what was seen, may be said.
    """
    rules = [*_RULES, *([] if facts > 1 else _OF_ONE), *([_PROFILE] if profile else [])]
    for fault, words in rules:
        found = next((each for each in words.all_in(text) if each.group().lower() not in worded.lower()), None)
        if found:
            yield f"{fault} ({found.group().lower()})"
    for side in (_MORE, _LESS):
        if (found := side.search(text)) and not side.search(worded):
            yield f"{_CHANGED} ({found.group().lower()})"
    if found := _IMPERATIVES.search(text):
        yield f"advises ({found.group().strip(' .;:!?–—').lower()})"

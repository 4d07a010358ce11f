"""What no claim may say, whatever its facts: of a person, of other people, of times to come, of what to do."""

import re
from collections.abc import Iterator
from typing import Final

from streams.reasoning.check.lexicon import load, phrases_of

_TABLES: Final = load()
_RULES: Final = [(rule["fault"], phrases_of(rule)) for rule in _TABLES["forbidden"]]
_TRENDS: Final = _TABLES["trends"]["fault"], phrases_of(_TABLES["trends"])
_IMPERATIVES: Final = re.compile(
    rf"(?:^|[.;:!?–—]\s+|\band )(?:{'|'.join(_TABLES['imperatives']['words'].split())})\s+(?!was|were|had|did)\w",
    re.IGNORECASE,
)


def forbidden_in(text: str, facts: int, worded: str = "") -> Iterator[str]:
    """What `text`, which rests on that many facts, may not say; each with the words that say it. Slots taken out.

    What stands in `worded`, the skills file's own words for what was seen, may be said.
    """
    for fault, words in _RULES if facts > 1 else [*_RULES, _TRENDS]:
        found = next((each for each in words.all_in(text) if each.group().lower() not in worded.lower()), None)
        if found:
            yield f"{fault} ({found.group().lower()})"
    if found := _IMPERATIVES.search(text):
        yield f"advises ({found.group().strip(' .;:!?–—').lower()})"

"""What no claim may say, whatever its facts: of a person, of other people, of times to come, of what to do."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from streams.reasoning.check.lexicon import load, phrases_of
from streams.reasoning.check.wording import roots_of

AT_TIMES: Final = ("trends", "pairs", "verdicts", "habits")
"""What may not be said of one fact alone; of a skill without a score; of what was not counted."""
_TABLES: Final = load()
_RULES: Final = [(rule["fault"], phrases_of(rule)) for rule in _TABLES["forbidden"]]
_AT_TIMES: Final = {name: (_TABLES[name]["fault"], phrases_of(_TABLES[name])) for name in AT_TIMES}
_IMPERATIVES: Final = re.compile(
    rf"(?:^|[.;:!?–—]\s+|\band |\bso )(?:{'|'.join(_TABLES['imperatives']['words'].split())})\s+(?!was|were|had|did)\w",
    re.IGNORECASE,
)


def forbidden_in(text: str, at_times: Iterable[str] = AT_TIMES, worded: str = "") -> Iterator[str]:
    """What `text` may not say; each with the words that say it. Slots taken out. `at_times` are those of AT_TIMES that
    apply.

    What stands in `worded`, the skills file's own words for what was seen, may be said.
    """
    may = roots_of(worded)
    for fault, words in [*_RULES, *map(_AT_TIMES.__getitem__, at_times)]:
        found = next((each for each in words.all_in(text) if not roots_of(each.group()) <= may), None)
        if found:
            yield f"{fault} ({found.group().lower()})"
    if found := _IMPERATIVES.search(text):
        yield f"advises ({found.group().strip(' .;:!?–—').lower()})"

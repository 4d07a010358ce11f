"""What a claim says of change over time: since the last explanation, before it, more or less often than before.

    "came back to {e5} failed tasks since {e5.since}, before that {e5.before}, more often than before"

Only what a cited fact says of it may be said: a fact of what was counted since, and its way.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from streams.reasoning.check.lexicon import Words, load, pattern_of
from streams.reasoning.request.prompt import AskedFact

_TABLES: Final = load()
_WAYS: Final = {way: pattern_of(_TABLES["trends"][way]) for way in ("more", "less")}
_OFTEN: Final = pattern_of(_TABLES["changes"]["often"])
_SINCE: Final = Words(pattern_of(_TABLES["changes"]["since"]), pattern_of(_TABLES["changes"]["unless"]))
_DENIED: Final = re.compile(r"(?:\b(?:not|no|never|hardly)|n['’]t) (?:\w+ )?$", re.IGNORECASE)


def without_changes(text: str) -> str:
    """`text` without its words of change, so that "a lower share" says nothing of a score."""
    for words in _WAYS.values():
        text = words.sub(" , ", text)
    return text


def change_faults(text: str, slots: Sequence[str], cited: Sequence[AskedFact], worded: str = "") -> Iterator[str]:
    """What is wrong with what `text`, slots taken out, says of change; `slots` are those that it had.

    `worded` are the skills file's own words for what was seen.
    """
    ways = {fact.way for fact in cited if fact.way is not None}
    said = {way: found for way, words in _WAYS.items() if (found := words.search(text))}
    for found in said.values():
        if ways != said.keys() or _DENIED.search(text[: found.start()]):
            yield f"says that something changed, which its facts do not ({found.group().lower()})"
    if (found := _OFTEN.search(without_changes(text))) and not _OFTEN.search(without_changes(worded)):
        yield f"says how often, which its facts do not ({found.group().lower()})"
    changes = [fact for fact in cited if fact.is_change]
    if not changes and (found := next(_SINCE.all_in(text), None)):
        yield f"tells of a time that no cited fact tells of ({found.group().lower()})"
    for fact in changes:
        if not {fact.id, f"{fact.id}.rate"}.isdisjoint(slots) and f"{fact.id}.since" not in slots:
            yield f"has {{{fact.id}}} without {{{fact.id}.since}}"

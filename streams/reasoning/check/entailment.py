"""Whether what a claim says was done is what its facts say was done.

A theme is something that can be done, with the words that tell of it and the facts that bear it out:

    "took hints and passed a task"  ──►  hints, passing  ──►  a fact of each must be cited
    "did not pass a task"           ──►  failing

A skills file words its indicators and phrases itself, so these bear out the themes of their words. What was only
written ("wrote that they gave up") bears out that it was written, not that it was done.

Words that no theme has are not looked at here: what they say of a person, of others or of the future is forbidden
elsewhere (`forbidden`).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from streams.reasoning.check.lexicon import Words, load, pattern_of, phrases_of
from streams.reasoning.request.prompt import Direction
from streams.vocabulary import INDEX, PHRASE_PREFIX, RUBRIC_FACT


@dataclass(frozen=True, slots=True)
class _Theme:
    name: str
    words: Words
    facts: frozenset[str]
    denied: str | None


@dataclass(frozen=True, slots=True)
class _Said:
    """One time that a text speaks of a theme: that it was not so, or that somebody wrote so."""

    theme: str
    denied: bool
    written: bool


_TABLES: Final = load()
_THEMES: Final = {
    table["name"]: _Theme(table["name"], phrases_of(table), frozenset(table["facts"]), table.get("denied"))
    for table in _TABLES["themes"]
}
_UP: Final = pattern_of(_TABLES["directions"]["up"])
_DOWN: Final = pattern_of(_TABLES["directions"]["down"])
_NEITHER: Final = pattern_of(_TABLES["directions"]["neither"])
_DENIED: Final = re.compile(
    r"(?<!\w)(?:not|never|no|without|hardly|barely|nor|neither|cannot|nothing|nobody|instead of|rather than|unable to|"
    r"failed to|refused to|\w+n['’]t)(?: \w+){0,2} $",
    re.IGNORECASE,
)
_NOT: Final = re.compile(r"(?:\b(?:not|never|hardly|no)|n['’]t) (?:\w+ly )?$", re.IGNORECASE)
_WRITTEN: Final = re.compile(
    r"\b(?:wrote|writ\w+|said|say\w*|told|tell\w*|message|not(?:e|ed|ing)|mention\w*|admit\w*)\b"
    r"(?:.*\b(?:that|about)\b| (?:they|it)\b)",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[.;:!?]")
_CLAUSE: Final = re.compile(r"[,.;:!?–—]|\b(?:and|but|until)\b")


def themes_without_facts() -> set[str]:
    """Keys of facts that a theme names and nothing knows: a mistake in the file."""
    known = {*INDEX, RUBRIC_FACT, PHRASE_PREFIX}
    return {fact for theme in _THEMES.values() for fact in theme.facts} - known


def said_directions(text: str) -> Iterator[Direction]:
    """The directions that the text itself names: "raises the score", "does not support the skill", "did well"."""
    for pattern, said, denied in ((_UP, "up", "down"), (_DOWN, "down", "up")):
        for found in pattern.finditer(text):
            yield denied if _NOT.search(text[: found.start()]) else said  # type: ignore[misc]
    if _NEITHER.search(text):
        yield "neither"


def unentailed(text: str, facts: Collection[str], worded: Sequence[str] = ()) -> Iterator[str]:
    """What `text` says was done, or was not, that `facts`, of these keys, do not say. Slots taken out.

    What is said of in `worded`, the skills file's own words for what was seen, is said by a fact.
    """
    keys = {PHRASE_PREFIX if fact.startswith(PHRASE_PREFIX) else fact for fact in facts}
    borne_out = {said for words in worded for said in _said_in(words)}
    for said in _said_in(text):
        if said in borne_out or _Said(said.theme, said.denied, written=False) in borne_out:
            continue
        theme = _THEMES[said.theme]
        meant = _THEMES.get(theme.denied or "") if said.denied else theme
        if meant is None:
            yield f"says that there was no {theme.name}, which no fact says"
        elif said.written or keys.isdisjoint(meant.facts):
            yield f"speaks of {meant.name}, of which no cited fact tells"


def speaks_of_a_theme(text: str) -> bool:
    """Whether it tells of something that can be done, whatever that is."""
    return any(next(theme.words.all_in(text), None) is not None for theme in _THEMES.values())


def _said_in(text: str) -> Iterator[_Said]:
    for theme in _THEMES.values():
        for found in theme.words.all_in(text):
            clause = _CLAUSE.split(text[: found.start()])[-1]
            denied = _DENIED.search(clause) is not None
            yield _Said(theme.name, denied, _is_written(clause, _SENTENCE.split(text[: found.start()])[-1]))


def _is_written(clause: str, sentence: str) -> bool:
    """Whether what comes after is what somebody wrote: after "wrote that", with a time between the two or none."""
    return _WRITTEN.search(sentence if clause.split()[:1] == ["that"] else clause) is not None

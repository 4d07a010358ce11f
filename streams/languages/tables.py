"""The words of one language, as its file has them.

In all of them `{name}` is a place that is filled in, and `[{} hint|{} hints]` a number that has a form for one and a
form for more; what stands in brackets belongs to the number.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from schemas.configuration.document import read_toml
from streams.vocabulary import RUBRIC_FACT, RUBRIC_WORDS, Fact

VAGUE: Final = "wrote a phrase from this skill's list"
LanguageCode = Literal["en", "es", "de", "fr"]
LANGUAGE_CODES: Final[tuple[LanguageCode, ...]] = get_args(LanguageCode)
VAGUE_PHRASE: Final = "phrase"
"""What `facts` calls a phrase of which nobody said what it means."""
SentencePattern = Annotated[str, Meta(min_length=1, max_length=300)]


class ChangeWords(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was counted since the last explanation, behind an indicator's words; {.since} and {.before} are slots."""

    since: SentencePattern
    before: SentencePattern
    more: SentencePattern
    less: SentencePattern
    last_time: SentencePattern
    earlier_today: SentencePattern


class Sentences(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the template says around facts; `docs/explanations.md` shows each in English.

    `{skill}` is a skill's name within a sentence, `{facts}` facts that begin in lower case, `{events}` is `events`.
    """

    up: SentencePattern
    down: SentencePattern
    neither: SentencePattern
    up_yet_low: SentencePattern
    down_yet_high: SentencePattern
    again: SentencePattern
    join: str
    listed: str
    events: SentencePattern
    too_little: SentencePattern
    rests_little: SentencePattern
    rests_unsure: SentencePattern
    rests_fair: SentencePattern
    rests_much: SentencePattern
    out_of_range: SentencePattern
    not_validated: SentencePattern
    few_acts: SentencePattern
    sources_differ: SentencePattern
    counts_all: SentencePattern
    deeds_and_words_differ: SentencePattern
    trends_differ: SentencePattern
    unlike_any: SentencePattern
    nothing_known: SentencePattern
    moved: SentencePattern
    moved_and_more: SentencePattern
    known: SentencePattern
    known_between: SentencePattern
    still_unknown: SentencePattern
    profile: SentencePattern
    profiles_only: SentencePattern
    missing: SentencePattern


class LanguageTables(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A language: how it writes numbers and ages, what it calls levels, skills, sources and facts, its sentences, and
    `words`, by the English words of a skills file that is shipped. `one` says which numbers have the form for one,
    `task_name` has its quotation marks around {}.
    """

    decimal: Literal[".", ","]
    one: Literal["exactly one", "below two"]
    today: SentencePattern
    days_ago: SentencePattern
    task_name: SentencePattern
    more_of_late: SentencePattern
    less_of_late: SentencePattern
    levels: dict[str, SentencePattern]
    skills: dict[str, SentencePattern]
    sources: dict[str, SentencePattern]
    facts: dict[str, SentencePattern]
    changes: ChangeWords
    sentences: Sentences
    words: dict[str, SentencePattern] = {}


@cache
def tables_of(code: LanguageCode) -> LanguageTables:
    """The tables of a language. English has its facts from `streams.vocabulary`."""
    return read_toml((files("streams") / "config" / "languages" / f"{code}.toml").read_text("utf-8"), LanguageTables)


def english_facts() -> dict[str, str]:
    """Every fact in English, "took [{} hint{}] on a task" with both forms written out."""
    return {
        **{fact.key: _with_forms(fact.words) for fact in Fact},
        RUBRIC_FACT: _with_forms(RUBRIC_WORDS[0]),
        VAGUE_PHRASE: VAGUE,
    }


def _with_forms(words: str) -> str:
    if "[" not in words and words.count("{}") > 1:  # its number reaches from the first gap to the last
        start, end = words.find("{}"), words.rfind("{}") + len("{}")
        words = f"{words[:start]}[{words[start:end]}]{words[end:]}"
    before, bracket, rest = words.partition("[")
    inside, closing, after = rest.partition("]")
    if inside.count("{}") < 2:
        return words
    first, second = (f"{inside.partition('{}')[0]}{{}}{inside.partition('{}')[2].replace('{}', s)}" for s in ("", "s"))
    return f"{before}{bracket}{first}|{second}{closing}{after}"

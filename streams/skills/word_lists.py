"""Descriptive measures of English texts: how often words and phrases of published lists occur in them.

They describe how somebody writes, and score nothing: no model reads them, nobody has shown what they say of pupils.
The lists are as published, with what is said here left out; [docs/language.md] names where each comes from.

    "I think it broke because I want to rush"    hedged 1, connected_causally 1, stated_goals 1, of 9 words
       └hedge┘       └cause─┘  └goal─┘
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from streams.skills.phrase_book import ENDS_NEGATION, NEGATORS, REACH
from streams.texts.words import BREAK
from streams.vocabulary import Fact


@dataclass(frozen=True, slots=True)
class WordList:
    """Words and phrases whose number is a fact; unless they are `deniable`, a negator before them changes nothing."""

    fact: Fact
    source: str
    phrases: tuple[str, ...]
    deniable: bool = False


HEDGES: Final = WordList(
    Fact.HEDGED,
    "Hyland, Metadiscourse (2005), as extended and published with Danescu-Niculescu-Mizil et al., 'A computational "
    "approach to politeness with application to social factors', ACL 2013",
    (
        *"""think thought thinking almost apparent apparently appear appeared appears approximately around assume
        assumed claim claimed claims doubt doubtful essentially estimate estimated feel felt feels frequently generally
        guess indicate indicated indicates largely likely mainly may maybe might mostly often ought perhaps plausible
        plausibly possible possibly postulate postulated postulates presumable presumably probable probably relatively
        roughly seems should sometimes somewhat suggest suggested suggests suppose supposed supposes suspect suspects
        typical typically uncertain uncertainly unclear unclearly unlikely usually broadly fairly quite rather argue
        argued argues""".split(),
        "certain amount",
        "certain extent",
        "certain level",
        "in general",
        "in most cases",
        "in most instances",
        "in our view",
        "in my view",
        "in this view",
        "in our opinion",
        "in my opinion",
        "from our perspective",
        "from my perspective",
        "from this perspective",
        "on the whole",
        "tend to",
        "tends to",
        "tended to",
        "to my knowledge",
    ),
)
CAUSAL_CONNECTIVES: Final = WordList(
    Fact.CONNECTED_CAUSALLY,
    "explicit connectives that mostly mark Contingency.Cause in the Penn Discourse TreeBank 2.0 (Prasad et al., LREC "
    "2008), without 'so', which is mostly an adverb where nobody parses",
    (
        *"because therefore thus consequently hence accordingly thereby".split(),
        "as a result",
        "so that",
    ),
)
GOALS: Final = WordList(
    Fact.STATED_GOALS,
    "Hyland, Metadiscourse (2005), frame markers that announce goals, without those that name a part of the text",
    (
        *"aim focus goal intention objective purpose".split(),
        "desire to",
        "intend to",
        "seek to",
        "want to",
        "wish to",
        "would like to",
    ),
    deniable=True,
)
REQUESTS: Final = WordList(
    Fact.REQUESTED,
    "strategies of requests (modals, 'please') in Danescu-Niculescu-Mizil et al., ACL 2013",
    ("could you", "would you", "can you", "will you", "please"),
)
WORD_LISTS: Final = (HEDGES, CAUSAL_CONNECTIVES, GOALS, REQUESTS)

_Entry = tuple[tuple[str, ...], int, bool]
_WORDS_READ: Final = int(Fact.WORDS_READ)


def _by_first_word() -> dict[str, list[_Entry]]:
    """The phrases by their first word, longest first: the words that follow, the fact, whether it is deniable.

    Facts are plain numbers here, which hash in a tenth of the time.
    """
    entries: dict[str, list[_Entry]] = {}
    for words in WORD_LISTS:
        for phrase in words.phrases:
            first, *rest = phrase.split()
            entries.setdefault(first, []).append((tuple(rest), int(words.fact), words.deniable))
    for of_word in entries.values():
        of_word.sort(key=lambda entry: -len(entry[0]))
    return entries


_BY_FIRST_WORD: Final = _by_first_word()


def measured(tokens: Sequence[str]) -> list[tuple[int, float]]:
    """The facts of a text of these tokens: how many words it has, and how many of each list; those of none are left
    out. No word counts twice: of phrases that overlap, the first and longest counts.
    """
    facts = [(_WORDS_READ, float(len(tokens) - tokens.count(BREAK)))]
    starts = [position for position, token in enumerate(tokens) if token in _BY_FIRST_WORD]
    return facts + _found(tokens, starts) if starts else facts


def _found(tokens: Sequence[str], starts: Sequence[int]) -> list[tuple[int, float]]:
    """By fact, how many phrases there are that begin at one of `starts`."""
    found: dict[int, float] = {}
    free_from = 0
    for position in starts:
        if position < free_from or (entry := _longest(tokens, position)) is None:
            continue
        rest, fact, deniable = entry
        free_from = position + 1 + len(rest)
        if not (deniable and _is_denied(tokens, position)):
            found[fact] = found.get(fact, 0.0) + 1.0
    return sorted(found.items())


def _longest(tokens: Sequence[str], position: int) -> _Entry | None:
    for entry in _BY_FIRST_WORD[tokens[position]]:
        rest = entry[0]
        if not rest or tuple(tokens[position + 1 : position + 1 + len(rest)]) == rest:
            return entry
    return None


def _is_denied(tokens: Sequence[str], position: int) -> bool:
    """Whether a negator is among the REACH words before, in the same clause."""
    for token in reversed(tokens[max(position - REACH, 0) : position]):
        if token in ENDS_NEGATION:
            return False
        if token in NEGATORS:
            return True
    return False

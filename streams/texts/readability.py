"""How hard a text is to read: the Flesch-Kincaid grade.

grade = 0.39 · words/sentences + 11.8 · syllables/words − 15.59 (Kincaid, Fishburne, Rogers and Chissom 1975, Derivation
of New Readability Formulas for Navy Enlisted Personnel, Research Branch Report 8-75). Syllables are estimated by
groups of vowels, which is right for about nine English words in ten.
"""

import re
from collections.abc import Collection
from typing import Final

_SENTENCE_END: Final = re.compile(r"[.!?]+(?=\s|$)")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_VOWELS: Final = re.compile(r"[aeiouy]+")
_SILENT: Final = re.compile(r"(?:[^laeiouy]e|[^taeiouyd]ed|[^aeiouysxzcg]es)$")


LEAST_WORDS: Final = 12
MAX_LONG_WORDS: Final = 2
LONG_SYLLABLES: Final = 4
GIVEN_SYLLABLES: Final = 2


def reads_hard(text: str, most_grade: float, given: Collection[str] = ()) -> bool:
    """Whether `text` reads above that grade; of less than LEAST_WORDS, of which a grade means little, whether more than
    MAX_LONG_WORDS of them have LONG_SYLLABLES or more. `given` are words that it could not do without: none counts as
    longer than GIVEN_SYLLABLES.
    """
    words = set(map(str.lower, _WORD.findall(text)))
    long_words = sum(syllables(word) >= LONG_SYLLABLES for word in words)
    return long_words > MAX_LONG_WORDS or (len(_WORD.findall(text)) >= LEAST_WORDS and grade(text, given) > most_grade)


def grade(text: str, given: Collection[str] = ()) -> float:
    """The US school grade that can read `text`; figures are not counted as words. 0 for a text without words."""
    words = _WORD.findall(text)
    if not words:
        return 0.0
    sentences = sum(bool(_WORD.search(part)) for part in _SENTENCE_END.split(text))
    long = sum(min(syllables(word), GIVEN_SYLLABLES) if word.lower() in given else syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * long / len(words) - 15.59


def syllables(word: str) -> int:
    """About how many syllables an English word has; at least 1."""
    lower = word.lower()
    groups = len(_VOWELS.findall(lower))
    return max(groups - bool(_SILENT.search(lower)), 1)

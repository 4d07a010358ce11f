"""How hard a text is to read: the Flesch-Kincaid grade.

grade = 0.39 · words/sentences + 11.8 · syllables/words − 15.59 (Kincaid, Fishburne, Rogers and Chissom 1975, Derivation
of New Readability Formulas for Navy Enlisted Personnel, Research Branch Report 8-75). Syllables are estimated by
groups of vowels, which is right for about nine English words in ten.
"""

import re
from typing import Final

_SENTENCE_END: Final = re.compile(r"[.!?]+(?=\s|$)")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_VOWELS: Final = re.compile(r"[aeiouy]+")
_SILENT: Final = re.compile(r"(?:[^laeiouy]e|[^taeiouyd]ed|[^aeiouysxzcg]es)$")


def grade(text: str) -> float:
    """The US school grade that can read `text`; figures are not counted as words. 0 for a text without words."""
    words = _WORD.findall(text)
    if not words:
        return 0.0
    sentences = sum(bool(_WORD.search(part)) for part in _SENTENCE_END.split(text))
    return 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def syllables(word: str) -> int:
    """About how many syllables an English word has; at least 1."""
    lower = word.lower()
    groups = len(_VOWELS.findall(lower))
    return max(groups - bool(_SILENT.search(lower)), 1)

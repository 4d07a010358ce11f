"""The characters that a claim may be written with: Latin letters, spaces, plain punctuation. Nothing hides."""

import re
import unicodedata
from typing import Final

_PLAIN: Final = frozenset(" .,;:!?'’\"“”()-–—…%/")
_LINK: Final = re.compile(
    r"https?:|www\.|\b[\w-]+\.(?:com|org|net|edu|gov|info|io|de|fr|es|uk|eu)\b|\S@\S|(?:^|\s)@\w", re.I
)


def unwanted_characters(text: str) -> str | None:
    """What is wrong with the characters of `text`, or None.

    Refused are controls, marks of direction, invisible characters, symbols and letters of other scripts, digits apart
    (which are numbers, and have a check of their own); and links and addresses.
    """
    for char in text:
        if not (char in _PLAIN or char.isnumeric() or _is_latin(char)):
            return f"has a character that is no letter or plain punctuation (U+{ord(char):04X})"
    return "has a link, an address or a handle" if _LINK.search(text) else None


def _is_latin(char: str) -> bool:
    return char.isalpha() and unicodedata.name(char, "").startswith("LATIN ")

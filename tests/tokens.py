"""About how many tokens a text is to OpenAI's models, without a tokenizer: its words, numbers and runs of punctuation.

Held against o200k_base (bpe-openai 0.1.4) once, on the standing instructions, 120 requests and 120 replies of the
simulated class: 0.95 to 1.02 of its counts, of the instructions 1.005.
"""

import re
from typing import Final

_PART: Final = re.compile(r" ?[A-Za-z]+| ?\d{1,3}| ?[^\sA-Za-z\d]+|\s+(?!\S)|\s+")
_LONG_WORD: Final = 10
_LONG_RUN: Final = 3


def tokens_in(text: str) -> int:
    """A token for each part, and more for long ones."""
    return sum(_of_part(part.strip() or part) for part in _PART.findall(text))


def _of_part(part: str) -> int:
    if part[0].isdigit():
        return 1
    return 1 + (len(part) - 1) // (_LONG_WORD if part[0].isalpha() else _LONG_RUN)

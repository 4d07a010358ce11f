"""Words and phrases of `english.toml` as patterns. See the head of that file for how they are written there."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

NEVER: Final = re.compile(r"(?!)")
_BEFORE: Final = r"(?<![\w'’-])"
_AFTER: Final = r"(?![\w'’])"


@cache
def load() -> dict[str, Any]:
    """The file's tables, read once; not to be changed."""
    return tomllib.loads((files("streams.reasoning.check") / "english.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Words:
    """Phrases that are looked for, and those that are none of them."""

    phrases: re.Pattern[str]
    unless: re.Pattern[str] = NEVER

    def all_in(self, text: str) -> Iterator[re.Match[str]]:
        """Each of the phrases in `text`."""
        return self.phrases.finditer(self.unless.sub(_blank, text))


def phrases_of(table: dict[str, Any]) -> Words:
    """The `words` of a table, and its `unless`; each a list of phrases, or a text of words."""
    return Words(pattern_of(table["words"]), pattern_of(table.get("unless", ())))


def pattern_of(phrases: str | Iterable[str]) -> re.Pattern[str]:
    """Matches any of `phrases`, as whole words and in any case."""
    every = phrases.split() if isinstance(phrases, str) else list(phrases)
    return re.compile(f"{_BEFORE}(?:{'|'.join(map(_phrase, every))}){_AFTER}", re.IGNORECASE) if every else NEVER


def _phrase(phrase: str) -> str:
    """ "got ~ right" as an expression: a gap brings its own space."""
    words = [r"(?:[\w'’]+\s+){0,2}" if word == "~" else _word(word) + r"\s+" for word in phrase.split()]
    return "".join(words).removesuffix(r"\s+")


def _word(word: str) -> str:
    either = [re.escape(one).replace("'", "['’]").replace(r"\*", r"[\w'’-]*") for one in word.split("|")]
    return f"(?:{'|'.join(either)})"


def _blank(found: re.Match[str]) -> str:
    return "," * len(found.group())

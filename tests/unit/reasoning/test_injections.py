"""What a student writes is measured and never told: text that is meant for a model reaches none, and moves no score.

Each injection stands against a control of equal measures: the same text with every word replaced by one that means
nothing, but those that the reading of the text rests on. Scores are equal, and the prompts are, to the byte.
"""

import codecs
import re
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import pytest

from schemas.update import SkillUpdate
from streams.reasoning.request.prompt import Prompt, render
from streams.skills.text_reader import TextReader
from tests.events import default_skills, processed, raw, records, updates_of

INJECTIONS: Final = [
    codecs.decode(line, "unicode_escape") if "\\" in line else line
    for line in (Path(__file__).parent / "injections.txt").read_text(encoding="utf-8").splitlines()
]
SAID: Final = "I kept trying although I wanted to stop, and my plan was to ask for help. "
_WORD: Final = re.compile(r"[^\W\d_]+")
READER: Final = TextReader.of(default_skills())


def control_of(text: str) -> str:
    """The same measures in words that say nothing."""
    measures = READER.read(text), len(text.split())
    for found in reversed([*_WORD.finditer(text)]):
        other = f"{text[: found.start()]}zug{text[found.end() :]}"
        if (READER.read(other), len(other.split())) == measures:
            text = other
    return text


@cache
def update_after(text: str) -> SkillUpdate:
    """What is said of a student who did a few things, and wrote `text`; resilience has a score."""
    noted = [
        *(raw("attempt", minute=minute, score=0.9) for minute in range(4)),
        raw("failure", minute=10),
        raw("retry", minute=11),
        raw("message", minute=12, text=text),
        raw("reflection", minute=13, text=text),
        raw("rubric", minute=14, skill="resilience", rating=0.7),
    ]
    return updates_of(processed(records(noted), scores=True))[-1]


def prompt_after(text: str) -> bytes:
    return msgspec.json.encode(render(Prompt(default_skills()).question(update_after(text)).request))


def test_there_are_fifty() -> None:
    assert len(set(INJECTIONS)) == 50


@pytest.mark.parametrize("injection", INJECTIONS)
def test_scores_and_prompts_are_those_of_a_text_of_equal_measures(injection: str) -> None:
    text = SAID + injection
    control = control_of(text)
    assert sum(word == "zug" for word in _WORD.findall(control)) >= 3
    assert update_after(text) == update_after(control)
    assert prompt_after(text) == prompt_after(control)


def test_a_text_that_measures_otherwise_is_told_otherwise() -> None:
    assert prompt_after(SAID) != prompt_after("I kept trying and I had no plan at all to go by, so there we are.")
    assert update_after(SAID).skills["resilience"].kind == "score"

"""People who wrote: half of them of sorrow, and those are mostly labelled 1; texts that are long enough for a model."""

import random
from typing import Final

from streams.replay import FileRecord
from streams.training.labels import Label
from tests.events import raw, record
from tests.unit.training.simulated import as_of_us

PEOPLE: Final = 60
TEXTS_OF_EACH: Final = 2
_COMMON: Final = "and it is what we have been told about the thing that was in the news on that day".split()
_OTHERS: Final = [f"thing{char}" for char in "abcdefghijklmnop"]
_SORROW: Final = ["sorrow", "grieving", "weeping", "mourning"]
_SHRUGS: Final = ["whatever", "boring", "politics", "taxes"]


def text(sad: bool, rng: random.Random) -> str:
    """Forty words, six of which tell."""
    words = [*_COMMON, *rng.choices(_OTHERS, k=40 - len(_COMMON) - 6), *rng.choices(_SORROW if sad else _SHRUGS, k=6)]
    return " ".join(words)


def is_sad(person: int) -> bool:
    """Whether this person writes of sorrow."""
    return person % 2 == 0


def records(people: int = PEOPLE) -> list[FileRecord]:
    """Messages of `p0_1`, `p0_2`, `p1_1` …, each text of a student of its own; the person is what is before the `_`."""
    rng = random.Random(5)
    return [
        record(raw("message", f"p{person}_{number}", text=text(is_sad(person), rng)), person * TEXTS_OF_EACH + number)
        for person in range(people)
        for number in range(1, TEXTS_OF_EACH + 1)
    ]


def labels(people: int = PEOPLE) -> list[Label]:
    """As the person writes, but for one in ten."""
    return [
        Label(f"p{person}_{number}", "empathy", as_of_us(0), int(is_sad(person) != (person % 20 in (3, 8))))
        for person in range(people)
        for number in range(1, TEXTS_OF_EACH + 1)
    ]

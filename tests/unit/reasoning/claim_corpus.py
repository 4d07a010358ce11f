"""Claims about a few situations, good and bad, as answers to the requests that these situations would cause."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from schemas.update import EvidenceItem
from streams.reasoning.check.grounding import check_claims
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.request.prompt import Direction, Request
from tests.unit.reasoning.samples import evidence, prompt, scored, update

FOLDER: Final = Path(__file__).parent / "claims"
_SKILL: Final = "resilience"
_Fact = tuple[str, float, Literal[-1, 1], int]
"""Fact, value, direction, days ago; e1 is the first."""
SITUATIONS: Final[dict[str, tuple[_Fact, ...]]] = {
    "P": (
        ("passed", 0.9, 1, 2),
        ("failed", 0.6, -1, 0),
        ("hinted", 3, -1, 1),
        ("varied_one", 1, 1, 5),
        ("recovered", 3, 1, 1),
    ),
    "R": (
        ("early", 2, 1, 4),
        ("late", 3, -1, 1),
        ("missed", 1, -1, 7),
        ("reflected", 120, 1, 2),
        ("submitted", 1, 1, 3),
    ),
    "C": (
        ("helped", 1, 1, 1),
        ("asked", 1, 1, 2),
        ("disagreed", 1, -1, 0),
        ("agreed", 1, 1, 3),
        ("~never give up", 1, 1, 1),
        ("replied", 1, 1, 1),
    ),
    "Z": (
        ("retried", 2, 1, 1),
        ("recovered", 3, 1, 0),
        ("gave_up", 1, -1, 2),
        ("failed", 0.8, -1, 3),
        ("rubric", 0.75, 1, 10),
    ),
    "M": (
        ("varied_some", 3, -1, 0),
        ("isolated", 1, 1, 1),
        ("reset", 1, 1, 2),
        ("thought_before_one", 2.56, 1, 0),
        ("worked", 7.3, 1, 3),
        ("changed", 2, 1, 0),
    ),
    "W": (
        ("wrote", 80, 1, 1),
        ("watched", 1, 1, 2),
        ("finished", 1, 1, 0),
        ("enrolled", 1, 1, 9),
        ("withdrew", 1, -1, 0),
        ("marked", 0.75, 1, 4),
        ("sought", 1, -1, 1),
    ),
    "": (("passed", 0.9, 1, 2),),
}


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim, and what is wrong with it, if anything."""

    wrong: str | None
    situation: str
    claim: DraftClaim


def good_claims() -> list[LabelledClaim]:
    """Claims that a teacher may read."""
    return [_labelled(None, *row) for row in _rows("good.tsv")]


def bad_claims() -> list[LabelledClaim]:
    """Claims that nobody may."""
    return [_labelled(wrong, *row) for wrong, *row in _rows("bad.tsv")]


def independent_good() -> list[LabelledClaim]:
    """Claims that a teacher may read, by somebody who had not seen the rules."""
    return [_labelled(None, *row) for row in _rows("independent_good.tsv")]


def independent_bad() -> list[LabelledClaim]:
    """Claims that nobody may, by somebody who had not seen the rules."""
    return [_labelled(wrong, *row) for wrong, *row in _rows("independent_bad.tsv")]


def request_of(situation: str) -> Request:
    """What would be asked there: one skill with its facts."""
    items = [_item(number, *fact) for number, fact in enumerate(SITUATIONS[situation], 1)]
    return prompt().question(update(resilience=scored(items=tuple(items)))).request


def faults_of(labelled: LabelledClaim) -> tuple[str, ...]:
    """What the check says is wrong."""
    draft = Draft(skills=[DraftSkill(skill=_SKILL, claims=[labelled.claim])])
    checked = check_claims(request_of(labelled.situation), draft)
    return checked.faults if checked.refused else ()


def _item(number: int, fact: str, value: float, direction: Literal[-1, 1], days_ago: int) -> EvidenceItem:
    return evidence(f"item-{number}", fact, value, direction, f"2026-11-{22 - days_ago:02d}T08:00:00Z")


def _rows(name: str) -> Iterator[list[str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def _labelled(wrong: str | None, situation: str, cited: str, direction: str, text: str) -> LabelledClaim:
    if "\\u" in text:
        text = codecs.decode(text, "unicode_escape")
    directions: dict[str, Direction] = {"up": "up", "down": "down"}
    claim = DraftClaim(text=text, evidence=[each for each in cited.split(",") if each], direction=directions[direction])
    return LabelledClaim(wrong, situation, claim)

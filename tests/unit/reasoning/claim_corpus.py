"""Claims about a few situations, good and bad, as answers to the requests that these situations would cause."""

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from schemas.update import EvidenceItem
from streams.reasoning.check.grounding import check_claims
from streams.reasoning.counted import Counted, RateChange, SkillChange
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.request.prompt import Direction, Request
from tests.unit.reasoning.samples import evidence, profile, prompt, scored, update

FOLDER: Final = Path(__file__).parent / "claims"
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
CHANGES: Final = {
    "S": (
        RateChange("comes_back", Counted(3, 4), Counted(5, 12)),
        RateChange("gives_up", Counted(1, 4), Counted(6, 12)),
    ),
    "T": (RateChange("comes_back", Counted(3, 4), Counted(9, 12)),),
}
"""What was counted since a skill was explained on the tenth, and before: of S e1 more often, e2 less, of T e1 alike."""
_EXPLAINED_S: Final = 1_794_268_800  # 2026-11-10


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim, the request that it answers, of one skill, and what is wrong with it, if anything."""

    wrong: str | None
    request: Request
    claim: DraftClaim


def good_claims() -> list[LabelledClaim]:
    """Claims that a teacher may read."""
    return good_in("good.tsv", request_of)


def bad_claims() -> list[LabelledClaim]:
    """Claims that nobody may."""
    return bad_in("bad.tsv", request_of)


def independent_good() -> list[LabelledClaim]:
    """Claims that a teacher may read, by somebody who had not seen the rules."""
    return good_in("independent_good.tsv", request_of)


def independent_bad() -> list[LabelledClaim]:
    """Claims that nobody may, by somebody who had not seen the rules."""
    return bad_in("independent_bad.tsv", request_of)


def good_in(file: str, request_of: Callable[[str], Request]) -> list[LabelledClaim]:
    """The claims in a file of lines of situation, cited facts, direction, text."""
    return [_labelled(None, request_of(situation), *row) for situation, *row in _rows(file)]


def bad_in(file: str, request_of: Callable[[str], Request]) -> list[LabelledClaim]:
    """Likewise; lines begin with what is wrong."""
    return [_labelled(wrong, request_of(situation), *row) for wrong, situation, *row in _rows(file)]


def request_of(situation: str) -> Request:
    """What would be asked there: one skill with its facts; with a plus behind it, facts say of which task they are."""
    if situation in CHANGES:
        changes = {"resilience": SkillChange(_EXPLAINED_S, CHANGES[situation])}
        return prompt().question(update(resilience=profile(rates=())), None, changes).request
    items = [_item(*fact) for fact in SITUATIONS[situation.removesuffix("+")]]
    if situation.endswith("+"):
        tasks = ("Sums", "Fractions", "Sums", "Climate", "Fractions")
        items = [msgspec.structs.replace(item, task=task) for item, task in zip(items, tasks, strict=False)]
    return prompt().question(update(resilience=scored(items=tuple(items)))).request


def faults_of(labelled: LabelledClaim) -> tuple[str, ...]:
    """What the check says is wrong."""
    (skill,) = labelled.request.skills
    draft = Draft(skills=[DraftSkill(skill=skill.skill, claims=[labelled.claim])])
    checked = check_claims(labelled.request, draft)
    return checked.faults if checked.refused else ()


def _item(fact: str, value: float, direction: Literal[-1, 1], days_ago: int) -> EvidenceItem:
    return evidence(fact, value, direction, f"2026-11-{22 - days_ago:02d}T08:00:00Z")


def _rows(name: str) -> Iterator[list[str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def _labelled(wrong: str | None, request: Request, cited: str, direction: str, text: str) -> LabelledClaim:
    if "\\u" in text:
        text = codecs.decode(text, "unicode_escape")
    directions: dict[str, Direction] = {"up": "up", "down": "down", "neither": "neither"}
    claim = DraftClaim(text=text, evidence=[each for each in cited.split(",") if each], direction=directions[direction])
    return LabelledClaim(wrong, request, claim)

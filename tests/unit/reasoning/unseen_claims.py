"""Claims about the default skills, by somebody who had read what a model is told, and no rule of the check.

Half of the situations are profiles: that is what all default skills but one are. `first` and `second` are two rounds;
`third` to `seventh`, by the same author, who had mended the rules by then, have other facts, too, and changes. `eighth`
and `ninth` are by two others, who had seen no rule and no claim.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, get_args

from schemas.update import EvidenceItem
from streams.reasoning.counted import Counted, RateChange, SkillChange
from streams.reasoning.request.prompt import Prompt, Request
from tests.events import default_skills
from tests.unit.reasoning.claim_corpus import LabelledClaim, bad_in, good_in, request_of
from tests.unit.reasoning.further_situations import FURTHER, further_request
from tests.unit.reasoning.samples import NamedRate, evidence, profile, rate, scored, update

Round = Literal["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
ROUNDS: Final[tuple[Round, ...]] = get_args(Round)
_Item = tuple[str, float, Literal[-1, 1], int]
"""Fact, value, direction, days ago."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A skill with what is known of it. With rates it is a profile: its indicators come first, as e1 and so on."""

    skill: str
    items: tuple[_Item, ...]
    rates: tuple[NamedRate, ...] = ()


SITUATIONS: Final[dict[str, Situation]] = {
    "solving": Situation(
        "problem_solving",
        (
            ("varied_one", 1, 1, 0),
            ("passed", 0.85, 1, 3),
            ("failed", 0.7, -1, 1),
            ("varied_some", 4, -1, 2),
            ("~i tested", 1, 1, 1),
            ("~just guessed", 1, -1, 5),
            ("rubric", 0.8, 1, 6),
        ),
    ),
    "resilience": Situation(
        "resilience",
        (
            ("retried", 2, 1, 1),
            ("recovered", 3, 1, 1),
            ("gave_up", 1, -1, 4),
            ("~keep trying", 1, 1, 0),
            ("~too hard", 1, -1, 2),
        ),
    ),
    "regulation": Situation(
        "self_regulation",
        (
            ("early", 2, 1, 3),
            ("late", 1, -1, 1),
            ("missed", 1, -1, 8),
            ("reflected", 140, 1, 2),
            ("~my plan", 1, 1, 2),
            ("~last minute", 1, -1, 1),
        ),
    ),
    "collaboration": Situation(
        "collaboration",
        (
            ("helped", 1, 1, 2),
            ("asked", 1, 1, 1),
            ("agreed", 1, 1, 0),
            ("~good idea", 1, 1, 3),
            ("~do it myself", 1, -1, 5),
        ),
    ),
    "resilience profile": Situation(
        "resilience",
        (("retried", 2, 1, 1), ("recovered", 2, 1, 1), ("~give up", 1, -1, 3)),
        (rate("tries_again_after_failing", 3, 4, 0.2), rate("gives_up", 1, 4)),
    ),
    "regulation profile": Situation(
        "self_regulation",
        (("early", 3, 1, 2), ("missed", 1, -1, 6), ("~my goal", 1, 1, 0)),
        (rate("hands_in_on_time", 5, 6), rate("reflects", 2, 9, 0.15), rate("states_goals", 3, 240)),
    ),
    "communication profile": Situation(
        "communication",
        (("replied", 1, 1, 0), ("asked", 1, 1, 2), ("~for example", 1, 1, 1)),
        (
            rate("answers_others", 6, 11, -0.15),
            rate("takes_part", 4, 9),
            rate("hedges", 5, 320),
            rate("connects_causes", 3, 320),
            rate("requests", 2, 320),
        ),
    ),
    "collaboration profile": Situation(
        "collaboration",
        (("helped", 1, 1, 2), ("agreed", 1, 1, 4), ("~what do you think", 1, 1, 0)),
        (
            rate("helps_rather_than_asks", 4, 6, 0.3),
            rate("acts_with_others", 6, 15),
            rate("agrees", 5, 6),
        ),
    ),
    "adaptability profile": Situation(
        "adaptability",
        (("recovered", 2, 1, 1), ("gave_up", 1, -1, 5), ("~different way", 1, 1, 0)),
        (rate("recovers_after_trying_again", 2, 3), rate("gives_up", 1, 5, -0.2)),
    ),
    "empathy profile": Situation(
        "empathy",
        (("helped", 1, 1, 1), ("~are you ok", 1, 1, 0)),
        (rate("helps_rather_than_asks", 3, 5), rate("answers_others", 4, 9, 0.12)),
    ),
    "simulation": Situation(
        "problem_solving",
        (
            ("isolated", 1, 1, 0),
            ("changed", 3, -1, 1),
            ("varied_none", 1, -1, 2),
            ("thought_before_one", 2.56, 1, 0),
            ("reset", 1, -1, 4),
            ("hinted", 2, -1, 3),
            ("worked", 6.9, 1, 1),
            ("~step by step", 1, 1, 5),
        ),
    ),
    "learning": Situation(
        "self_regulation",
        (
            ("marked", 0.75, 1, 2),
            ("submitted", 1, 1, 2),
            ("watched", 1, 1, 1),
            ("finished", 1, 1, 1),
            ("sought", 1, -1, 0),
            ("enrolled", 1, 1, 20),
            ("withdrew", 1, -1, 3),
            ("~forgot to", 1, -1, 6),
        ),
    ),
    "messages": Situation(
        "communication",
        (
            ("wrote", 64, 1, 0),
            ("replied", 1, 1, 1),
            ("asked", 1, 1, 1),
            ("disagreed", 1, -1, 2),
            ("~what do you mean", 1, 1, 3),
            ("~whatever", 1, -1, 5),
        ),
    ),
    "solving profile": Situation(
        "problem_solving",
        (("varied_one", 1, 1, 0), ("passed", 0.9, 1, 1), ("~figured out", 1, 1, 2)),
        (
            rate("varies_one_thing_at_a_time", 7, 12, 0.2),
            rate("mean_score", 3.3, 5),
            rate("takes_hints", 2, 8, -0.2),
        ),
    ),
}
CHANGED: Final = SkillChange(
    1_794_268_800,  # 2026-11-10
    (
        RateChange("hands_in_on_time", Counted(5, 6), Counted(4, 9)),
        RateChange("reflects", Counted(1, 7), Counted(4, 8)),
    ),
)


def unseen_good(round_: Round) -> list[LabelledClaim]:
    """Claims that a teacher may read."""
    return good_in(f"{round_}_sight_good.tsv", request_there)


def plain_good() -> list[LabelledClaim]:
    """Each fact of the default skills, and what it does to the score, said in several plain ways."""
    return good_in("plain_good.tsv", request_there)


def unseen_bad(round_: Round) -> list[LabelledClaim]:
    """Claims that nobody may."""
    return bad_in(f"{round_}_sight_bad.tsv", request_there)


@cache
def request_there(name: str) -> Request:
    """What would be asked in a situation."""
    if name == "since":
        skills: dict[str, Any] = {"self_regulation": profile(rates=())}
        return Prompt(default_skills()).question(update(**skills), None, {"self_regulation": CHANGED}).request
    if name in FURTHER:
        return further_request(name)
    if name not in SITUATIONS:
        return request_of(name)
    situation = SITUATIONS[name]
    items = tuple(_item(*item) for item in situation.items)
    known = profile(*items, rates=situation.rates) if situation.rates else scored(items=items)
    skills = {situation.skill: known}
    return Prompt(default_skills()).question(update(**skills)).request


def _item(fact: str, value: float, direction: Literal[-1, 1], days_ago: int) -> EvidenceItem:
    return evidence(fact, value, direction, f"2026-11-{22 - days_ago:02d}T08:00:00Z")

"""Which way a fact, or what an indicator counted, speaks for a skill.

An update says it of a fact by the fact's weight alone: any mark speaks for `course_success`. Where the skills file has
an indicator that averages the fact's values, more is known: a mark below the indicator's prior speaks against.
"""

from typing import Literal

from schemas.update import EvidenceItem
from streams.skills.skill_set import Indicator, Skill

MIN_OBSERVED = 3
"""Of how many one can say that they are few or many."""


def leaning(skill: Skill, item: EvidenceItem) -> Literal[-1, 1]:
    """1 where `item` speaks for the skill, -1 where it speaks against."""
    for indicator in skill.indicators:
        averaged = f"{item.fact}.sum" in indicator.numerator and f"{item.fact}.n" in indicator.denominator
        if averaged and indicator.weight and item.value != indicator.prior:
            return 1 if (item.value > indicator.prior) == (indicator.weight > 0) else -1
    return item.direction


def leaning_of_rate(indicator: Indicator, count: float, of: float) -> Literal[-1, 0, 1]:
    """1 where `count` of `of` speaks for the skill, -1 where it speaks against, 0 where it does neither."""
    side = standing(indicator, count, of)
    if side is None or not indicator.weight:
        return 0
    return 1 if (side == "high") == (indicator.weight > 0) else -1


def standing(indicator: Indicator, count: float, of: float) -> Literal["low", "high"] | None:
    """Whether a rate is below or above the one that is expected of somebody unknown; None of too few, or where it is
    neither.
    """
    if of < MIN_OBSERVED or count == indicator.prior * of:
        return None
    return "low" if count < indicator.prior * of else "high"

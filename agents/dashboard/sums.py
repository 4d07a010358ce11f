"""What several workers say, as one: alike figures once, counts summed, samples by what they stand for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import msgspec

from agents.dashboard.figures import DeadLetterFigure, LagFigure, ReasoningFigure, SkillsFigure, TenantFigure

LAST_DEAD_LETTERS: Final = 5
WORST_FIRST: Final = ("down", "failing", "degraded", "ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillShares:
    """By skill, the share of students in each level, of those of whom something is known; estimated from `sampled`."""

    students: int = 0
    sampled: int = 0
    skills: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def worst(statuses: Iterable[str]) -> str:
    """The worst of some; ok of none."""
    found = set(statuses)
    return next(status for status in WORST_FIRST if status in found or status == "ok")


def freshest_lag(said: Sequence[LagFigure], owners: Mapping[int, str]) -> LagFigure:
    """The freshest of them. `owners`, by partition, are those where the broker does not tell."""
    known = [each for each in said if each.problem is None]
    if not known:
        return said[0] if said else LagFigure(problem="no worker answered")
    freshest = min(known, key=lambda each: each.age_s or 0.0)
    partitions = [
        each if each.owner else msgspec.structs.replace(each, owner=owners.get(each.partition))
        for each in freshest.partitions
    ]
    return msgspec.structs.replace(freshest, partitions=partitions)


def summed_counts(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The sums by name."""
    total: dict[str, float] = {}
    for name, value in chain.from_iterable(each.items() for each in counts):
        total[name] = total.get(name, 0.0) + value
    return total


def most_by_name(values: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The largest of each name."""
    most: dict[str, float] = {}
    for name, value in chain.from_iterable(each.items() for each in values):
        most[name] = max(value, most.get(name, value))
    return most


def newest_dead_letters(dead_letters: Iterable[Sequence[DeadLetterFigure]]) -> list[DeadLetterFigure]:
    """The last LAST_DEAD_LETTERS, the last one first."""
    return sorted(chain.from_iterable(dead_letters), key=lambda each: -each.at_ms)[:LAST_DEAD_LETTERS]


def source_statuses(said: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The worst that is said of each source."""
    names = dict.fromkeys(chain.from_iterable(said))
    return {name: worst(each.get(name, "ok") for each in said) for name in names}


def all_reasoning(said: Sequence[ReasoningFigure]) -> ReasoningFigure:
    """Counts summed; of a limit, which all share, what the worker says that heard of most."""
    return ReasoningFigure(
        mode=next((each.mode for each in said if each.mode != "off"), "off"),
        problem=next((each.problem for each in said if each.problem), None),
        pending=sum(each.pending for each in said),
        oldest_pending_s=max(
            (each.oldest_pending_s for each in said if each.oldest_pending_s is not None), default=None
        ),
        in_flight=sum(each.in_flight for each in said),
        budget=most_by_name(each.budget for each in said),
        spend_usd=sum(each.spend_usd for each in said),
        granted=sum(each.granted for each in said),
        refused=summed_counts(each.refused for each in said),
        explanations=summed_counts(each.explanations for each in said),
        given_up=sum(each.given_up for each in said),
    )


def all_tenants(said: Iterable[Sequence[TenantFigure]]) -> list[TenantFigure]:
    """By name: counts and rates summed; of what every worker reports of all, the most."""
    by_name: dict[str, list[TenantFigure]] = {}
    for each in chain.from_iterable(said):
        by_name.setdefault(each.tenant, []).append(each)
    return [
        TenantFigure(
            tenant=name,
            events_s=sum(each.events_s for each in figures),
            updates_s=sum(each.updates_s for each in figures),
            dead_letters=sum(each.dead_letters for each in figures),
            held=max(each.held for each in figures),
            budget=most_by_name(each.budget for each in figures),
            unpaid=any(each.unpaid for each in figures),
            spend_usd=sum(each.spend_usd for each in figures),
            refused=sum(each.refused for each in figures),
        )
        for name, figures in sorted(by_name.items())
    ]


def skill_shares(said: Sequence[SkillsFigure]) -> SkillShares:
    """Each worker's sample counts by how many students it stands for."""
    levels: dict[str, dict[str, float]] = {}
    for each in said:
        for figure in each.skills:
            of_skill = levels.setdefault(figure.skill, {})
            for level, students in figure.levels.items():
                of_skill[level] = of_skill.get(level, 0.0) + students * each.students / max(each.sampled, 1)
    shares = {
        skill: {level: students / total for level, students in of_skill.items()}
        for skill, of_skill in levels.items()
        if (total := sum(of_skill.values())) > 0
    }
    return SkillShares(
        students=sum(each.students for each in said), sampled=sum(each.sampled for each in said), skills=shares
    )

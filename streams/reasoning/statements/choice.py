"""Which facts of a skill a template tells: enough to see both sides, few enough to be read.

First what changed since the last explanation. Then of a score those that agree with it, and those that do not: a low
one is told by facts against the skill first.
Of a profile first what was counted, then what was done last. A phrase of which nobody said what it means is told where
nothing else is there, and what was told of another skill where nothing else is left.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from streams.reasoning.request.prompt import AskedFact, AskedSkill, Direction
from streams.reasoning.request.slots import filled
from streams.reasoning.statements.clauses import alike, clause

MAX_GROUPS: Final = 2
"""Kinds of facts in a claim."""
HALF: Final = 0.5
Group = Sequence[AskedFact]


def chosen_facts(skill: AskedSkill, stated: Collection[str]) -> Iterator[tuple[Direction, list[Group]]]:
    """The claims of a skill: a direction, and groups of facts that are alike. `stated` are clauses of other skills."""
    meant = [fact for fact in skill.facts if not fact.vague]
    for facts in _sides(skill, meant) if meant else [list(skill.facts)]:
        if facts:
            yield facts[0].direction, _few(alike(facts), stated)


def contradicts(level: str | None, directions: Collection[Direction]) -> bool:
    """Whether a score is low though all facts speak for the skill, or high though all speak against."""
    return (level, {*directions}) in (("emerging", {"up"}), ("proficient", {"down"}))


def stated_as(group: Group) -> str:
    """A group as it is read, to know it again."""
    return filled(clause(group), {slot: value for fact in group for slot, value in fact.values.items()})


def _sides(skill: AskedSkill, facts: Iterable[AskedFact]) -> list[list[AskedFact]]:
    if skill.score is None:
        counted = [fact for fact in facts if fact.is_indicator]
        return [
            [fact for fact in counted if not fact.weightless] or counted,
            [fact for fact in facts if not fact.is_indicator],
        ]
    agreeing: Direction = "up" if skill.score >= HALF else "down"
    order: tuple[Direction, ...] = ("neither", "up", "down") if agreeing == "up" else ("neither", "down", "up")
    return [[fact for fact in facts if fact.direction == direction] for direction in order]


def _few(groups: list[list[AskedFact]], stated: Collection[str]) -> list[Group]:
    """The first group, and of the others the first that leans the other way, or else the next one."""
    fresh = [group for group in groups if stated_as(group) not in stated] or groups[:1]
    first, *others = fresh
    others = [group for group in others if not group[0].is_change]
    if first[0].is_change:  # has two times already
        return [first]
    other_way = [group for group in others if group[0].leaning * first[0].leaning < 0]
    return [first, *(other_way or others)[: MAX_GROUPS - 1]]

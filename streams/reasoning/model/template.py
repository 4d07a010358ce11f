"""An explanation without a model: deterministic, readable, from the update alone. It passes the same check.

In English; the others' words are checked by people, and held to the English ones by a test.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from streams.languages.language import ENGLISH, Language, capitalised
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.request.instructions import MAX_CLAIM_CHARS
from streams.reasoning.request.prompt import AskedSkill, Direction
from streams.reasoning.request.slots import filled
from streams.reasoning.statements.choice import Group, chosen_facts, contradicts, stated_as
from streams.reasoning.statements.clauses import clause
from streams.texts.readability import reads_hard

TEMPLATE_VERSION: Final = "template-3"
MAX_TEMPLATE_GRADE: Final = 9.0


def draft_of(skills: Iterable[AskedSkill], language: Language = ENGLISH) -> Draft:
    """A claim or two of each skill, in the update's order, none of them twice."""
    stated: set[str] = set()
    return Draft(skills=[DraftSkill(skill=skill.skill, claims=_claims(skill, language, stated)) for skill in skills])


def _claims(skill: AskedSkill, language: Language, stated: set[str]) -> list[DraftClaim]:
    claims = []
    for direction, groups in chosen_facts(skill, stated):
        ways = _ways(skill, direction, groups, language, stated)
        few, text = next(((few, text) for few, text in ways[:-1] if _reads_well(skill, few, text, language)), ways[-1])
        claims.append(DraftClaim(text=text, evidence=[fact.id for group in few for fact in group], direction=direction))
        stated.update(map(stated_as, few))
    return claims


def _ways(
    skill: AskedSkill, direction: Direction, groups: Sequence[Group], language: Language, stated: Collection[str]
) -> list[tuple[Sequence[Group], str]]:
    """Ways to tell the groups, with slots, the fullest first: of all, of the first alone, of its first fact alone; and
    said otherwise where all of it was told of another skill.
    """
    says = language.tables.sentences
    plain = getattr(says, direction)
    if contradicts(skill.level, {fact.direction for fact in skill.facts} - {"neither"}):
        plain = {"up": says.up_yet_low, "down": says.down_yet_high, "neither": says.neither}[direction]
    again = says.again if direction == "neither" else plain  # the others name their skill
    fewer = [groups, groups[:1], [groups[0][:1]]]
    patterned = [(few, again if all(stated_as(group) in stated for group in few) else plain) for few in fewer]
    return [(few, _text(skill, few, pattern, language)) for few, pattern in [*patterned, (fewer[-1], plain)]]


def _text(skill: AskedSkill, groups: Sequence[Group], pattern: str, language: Language) -> str:
    facts = language.tables.sentences.join.join(map(clause, groups))
    return capitalised(pattern.replace("{skill}", language.skill(skill.skill)).replace("{facts}", facts))


def _reads_well(skill: AskedSkill, groups: Sequence[Group], text: str, language: Language) -> bool:
    """Whether the groups can stand in one sentence; how hard it is can be said of English alone."""
    whole = filled(text, skill.values_of(skill.facts))
    given = {word for group in groups for fact in group for word in fact.in_full.lower().split()}
    return len(whole) <= MAX_CLAIM_CHARS and not (
        language.code == "en" and reads_hard(whole, MAX_TEMPLATE_GRADE, given)
    )

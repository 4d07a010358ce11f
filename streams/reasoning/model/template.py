"""An explanation without a model: deterministic, readable, from the update alone. It passes the same check."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import UNSET

from schemas.update import SkillScore, SkillUpdate
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.request.instructions import MAX_CLAIMS
from streams.reasoning.request.prompt import AskedFact, AskedSkill, Direction

TEMPLATE_VERSION: Final = "template-2"
_VERDICTS: Final[Mapping[Direction, str]] = {
    "up": " This speaks for the skill.",
    "down": " This speaks against the skill.",
    "neither": "",
}


def draft_of(skills: Iterable[AskedSkill]) -> Draft:
    """One claim for facts that are alike, in the update's order."""
    return Draft(skills=[_skill(skill) for skill in skills])


def summary_of(update: SkillUpdate, asked: Sequence[AskedSkill]) -> str:
    """The update in two or three sentences. Every explanation's summary is this one: it cites nothing, so no model may
    write it. `asked` has the profiles in words.
    """
    scores = {name: skill for name, skill in update.skills.items() if isinstance(skill, SkillScore)}
    known = {name: skill for name, skill in scores.items() if skill.level != "unknown"}
    parts = [*_of_scores(scores, known), *_of_profiles(asked)]
    if not parts:
        return "There is too little evidence yet to say anything of a skill."
    if update.degraded:
        parts.append(f"Missing this time: {', '.join(sorted(update.degraded))}.")
    return " ".join(parts)


def _of_scores(scores: Mapping[str, SkillScore], known: Mapping[str, SkillScore]) -> Iterator[str]:
    if not known:
        return
    surest = max(known, key=lambda name: known[name].confidence)
    skill = known[surest]
    interval = "" if skill.low is UNSET else f" (90 % interval {skill.low:.2f} to {skill.high:.2f})"
    yield f"Most is known about {_words(surest)}: {skill.level}, with a score of {skill.score:.2f}{interval}."
    if unknown := len(scores) - len(known):
        yield f"Of {len(scores)} skills with a score, {unknown} cannot be judged yet."


def _of_profiles(asked: Sequence[AskedSkill]) -> Iterator[str]:
    """What was seen most of the first profile that has an indicator: the first one is named, the others counted."""
    seen = [skill for skill in asked if skill.kind == "profile"]
    with_rates = [skill for skill in seen if skill.facts[0].is_indicator]
    if with_rates:
        yield f"Of {_words(with_rates[0].skill)} there is no score; what was seen: {with_rates[0].facts[0].in_full}."
    if len(seen) > 1:
        yield f"{len(seen)} skills are told by what was done alone."


def alike(facts: Iterable[AskedFact]) -> list[list[AskedFact]]:
    """Facts of one kind and direction together, in the order of the first of each."""
    groups: dict[tuple[str, str], list[AskedFact]] = {}
    for fact in facts:
        groups.setdefault((fact.text.replace(f"{{{fact.id}}}", "{}"), fact.direction), []).append(fact)
    return list(groups.values())


def sentence(facts: Sequence[AskedFact]) -> str:
    """Facts that are alike, with their numbers and ages, as a sentence with slots.

    "Took 3 hints on a task (today), 1 hint (2 days ago)." "Gave up on a task (today, 2 days ago)."
    """
    first = facts[0]
    first_of = {_numbers(fact): fact for fact in reversed(facts)}  # of equal ones the first
    others = [fact for fact in facts[1:] if first_of[_numbers(fact)] is fact]
    if first.is_indicator:
        text = first.text
    elif first.number:
        more = "".join(f", {{{fact.id}}} ({{{fact.id}.when}})" for fact in others)
        text = f"{first.text} ({{{first.id}.when}}){more}"
    else:
        text = f"{first.text} ({', '.join(f'{{{fact.id}.when}}' for fact in (first, *others))})"
    return f"{text[:1].upper()}{text[1:]}."


def _numbers(fact: AskedFact) -> tuple[str | None, str | None]:
    """The number and age that a sentence has of a fact."""
    return fact.number, fact.values.get(f"{fact.id}.when")


def _skill(skill: AskedSkill) -> DraftSkill:
    return DraftSkill(skill=skill.skill, claims=[_claim(facts) for facts in alike(skill.facts)[:MAX_CLAIMS]])


def _claim(facts: Sequence[AskedFact]) -> DraftClaim:
    direction = facts[0].direction
    text = f"{sentence(facts)}{_VERDICTS[direction]}"
    return DraftClaim(text=text, evidence=[fact.id for fact in facts], direction=direction)


def _words(skill: str) -> str:
    return skill.replace("_", " ")

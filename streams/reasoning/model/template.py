"""An explanation without a model: deterministic, readable, from the update alone. It passes the same check."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import UNSET

from schemas.update import SkillScore, SkillUpdate
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.request.instructions import MAX_CLAIMS
from streams.reasoning.request.prompt import AskedFact, AskedSkill, Direction, Request

TEMPLATE_VERSION: Final = "template-2"
_VERDICTS: Final[Mapping[Direction, str]] = {
    "up": " This speaks for the skill.",
    "down": " This speaks against the skill.",
    "neither": "",
}


def draft_of(request: Request) -> Draft:
    """One claim a fact, in the update's order."""
    return Draft(skills=[_skill(skill) for skill in request.skills])


def summary_of(update: SkillUpdate, request: Request) -> str:
    """The update in two or three sentences. Every explanation's summary is this one: it cites nothing, so no model may
    write it. `request` has the profiles in words.
    """
    scores = {name: skill for name, skill in update.skills.items() if isinstance(skill, SkillScore)}
    known = {name: skill for name, skill in scores.items() if skill.level != "unknown"}
    parts = [*_of_scores(scores, known), *_of_profiles(request)]
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


def _of_profiles(request: Request) -> Iterator[str]:
    """What was seen most of the first profile that has an indicator: the first one is named, the others counted."""
    seen = [skill for skill in request.skills if skill.kind == "profile"]
    with_rates = [skill for skill in seen if skill.facts[0].age_days is None]
    if with_rates:
        yield f"Of {_words(with_rates[0].skill)} there is no score; what was seen: {with_rates[0].facts[0].text}."
    if len(seen) > 1:
        yield f"{len(seen)} skills are with_rates by what was done alone."


def age(days: int) -> str:
    """How long ago, in words."""
    if days == 0:
        return "today"
    return "1 day ago" if days == 1 else f"{days} days ago"


def sentence(fact: AskedFact) -> str:
    """The fact and its age, as a sentence."""
    when = "" if fact.age_days is None else f" ({age(fact.age_days)})"
    return f"{fact.text[:1].upper()}{fact.text[1:]}{when}."


def _skill(skill: AskedSkill) -> DraftSkill:
    return DraftSkill(skill=skill.skill, claims=[_claim(fact) for fact in skill.facts[:MAX_CLAIMS]])


def _claim(fact: AskedFact) -> DraftClaim:
    return DraftClaim(text=f"{sentence(fact)}{_VERDICTS[fact.direction]}", evidence=[fact.id], direction=fact.direction)


def _words(skill: str) -> str:
    return skill.replace("_", " ")

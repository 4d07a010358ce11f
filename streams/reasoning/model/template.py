"""An explanation without a model: deterministic, readable, from the update alone. It passes the same check."""

from schemas.update import SkillUpdate
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.request.instructions import MAX_CLAIMS
from streams.reasoning.request.prompt import AskedFact, AskedSkill, Request

TEMPLATE_VERSION = "template-1"


def draft_of(request: Request) -> Draft:
    """One claim a fact, in the update's order."""
    return Draft(skills=[_skill(skill) for skill in request.skills])


def summary_of(update: SkillUpdate) -> str:
    """The update in two or three sentences. Every explanation's summary is this one: it cites nothing, so no model may
    write it.
    """
    known = {name: skill for name, skill in update.skills.items() if skill.level != "unknown"}
    if not known:
        return "There is too little evidence yet to say anything of a skill."
    surest = max(known, key=lambda name: known[name].confidence)
    skill = known[surest]
    parts = [
        f"Most is known about {_words(surest)}: {skill.level}, with a score of {skill.score:.2f} "
        f"(90 % interval {skill.low:.2f} to {skill.high:.2f})."
    ]
    unknown = len(update.skills) - len(known)
    if unknown:
        parts.append(f"Of {len(update.skills)} skills, {unknown} cannot be judged yet.")
    if update.degraded:
        parts.append(f"Missing this time: {', '.join(sorted(update.degraded))}.")
    return " ".join(parts)


def age(days: int) -> str:
    """How long ago, in words."""
    if days == 0:
        return "today"
    return "1 day ago" if days == 1 else f"{days} days ago"


def sentence(fact: AskedFact) -> str:
    """The fact and its age, as a sentence."""
    return f"{fact.text[:1].upper()}{fact.text[1:]} ({age(fact.age_days)})."


def _skill(skill: AskedSkill) -> DraftSkill:
    return DraftSkill(skill=skill.skill, claims=[_claim(fact) for fact in skill.facts[:MAX_CLAIMS]])


def _claim(fact: AskedFact) -> DraftClaim:
    verdict = "for" if fact.direction == "up" else "against"
    text = f"{sentence(fact)} This speaks {verdict} the skill."
    return DraftClaim(text=text, evidence=[fact.id], direction=fact.direction)


def _words(skill: str) -> str:
    return skill.replace("_", " ")

"""How sure what is said of a skill is, and what it rests on, in plain words."""

from typing import Final

from msgspec import UNSET

from schemas.update import KnownSkill, SkillProfile, SkillScore
from streams.languages.language import Language, Quantity
from streams.skills.skill_set import Skill

FAIR: Final = 0.35
MUCH: Final = 0.65
"""Confidence from which on something is fairly sure, and quite sure."""
FEW_EVENTS: Final = 10
FEW_OF_A_KIND: Final = 5


def certainty_of(name: str, configured: Skill, known: KnownSkill, language: Language) -> str | None:
    """One sentence; None of a profile of which enough was seen."""
    skill = language.skill(name)
    if isinstance(known, SkillProfile):
        return _of_profile(skill, configured, known, language)
    return _of_score(skill, known, language)


def events_in(count: float, language: Language) -> str:
    """So many events, in words."""
    return language.counted(language.tables.sentences.events, Quantity(max(round(count), 1), "count"))


def _of_score(skill: str, known: SkillScore, language: Language) -> str:
    says = language.tables.sentences
    if known.out_of_range is not UNSET:
        return says.out_of_range.format(skill=skill)
    most = max((part.n for part in known.contributions.values()), default=0)
    events = events_in(most, language)
    if known.level == "unknown":
        return says.too_little.format(skill=skill, events=events)
    unchecked = "" if known.validated else says.not_validated
    return f"{_rests(known.confidence, most, language).format(skill=skill, events=events)}{unchecked}."


def _rests(confidence: float, most: float, language: Language) -> str:
    says = language.tables.sentences
    if most < FEW_EVENTS:
        return says.rests_little
    if confidence < FAIR:
        return says.rests_unsure
    return says.rests_fair if confidence < MUCH else says.rests_much


def _of_profile(skill: str, configured: Skill, known: SkillProfile, language: Language) -> str | None:
    """What there is at most of the indicators that say something of the skill."""
    weighty = {indicator.name for indicator in configured.indicators if indicator.weight}
    most = max((rate.of for name, rate in known.indicators.items() if name in weighty), default=len(known.evidence))
    if most >= FEW_OF_A_KIND:
        return None
    return language.tables.sentences.few_acts.format(skill=skill, events=events_in(most, language))

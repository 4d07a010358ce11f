"""What a teacher reads first: in two or three sentences what is new, and what is known best."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import UNSET

from schemas.update import SkillScore, SkillUpdate
from streams.languages.language import Quantity, capitalised
from streams.reasoning.request.prompt import AskedSkill, Question

MAX_NAMES: Final = 3


def summary_of(update: SkillUpdate, question: Question) -> str:
    """Every explanation's summary is this one: it cites nothing, so no model may write it."""
    language, says = question.language, question.language.tables.sentences
    scores = {name: skill for name, skill in update.skills.items() if isinstance(skill, SkillScore)}
    known = {name: skill for name, skill in scores.items() if skill.level != "unknown"}
    parts = [*_of_scores(scores, known, question), *_of_profiles(question)]
    if not parts:
        unlike = any(skill.out_of_range is not UNSET for skill in scores.values())
        return says.unlike_any if unlike else says.nothing_known
    if update.degraded:
        parts.append(says.missing.format(sources=", ".join(map(language.source, sorted(update.degraded)))))
    return " ".join([*_news(question, [*known, *(skill.skill for skill in _profiles(question))]), *parts])


def _news(question: Question, stated: Sequence[str]) -> Iterator[str]:
    """The skills that moved, by name as many as can be remembered; nothing where all did."""
    moved = [name for name in stated if question.is_moved(name)]
    if question.moved is None or not moved or len(moved) == len(stated):
        return
    language, says = question.language, question.language.tables.sentences
    names = [language.skill(name) for name in moved[:MAX_NAMES]]
    if more := len(moved) - MAX_NAMES if len(moved) > MAX_NAMES else 0:
        yield language.counted(says.moved_and_more.replace("{skills}", ", ".join(names)), Quantity(more, "count"))
    else:
        listed = says.listed.join(part for part in (", ".join(names[:-1]), names[-1]) if part)
        yield says.moved.format(skills=listed)


def _of_scores(scores: Mapping[str, SkillScore], known: Mapping[str, SkillScore], question: Question) -> Iterator[str]:
    """The one that is known best, of those that moved where one did."""
    if not known:
        return
    language, says = question.language, question.language.tables.sentences
    surest = max(known, key=lambda name: (question.is_moved(name), known[name].confidence))
    skill = known[surest]
    level, score = language.tables.levels[skill.level], language.score(skill.score)
    if skill.low is UNSET or skill.high is UNSET:
        yield says.known.format(skill=language.skill(surest), level=level, score=score)
    else:
        low, high = language.score(skill.low), language.score(skill.high)
        yield says.known_between.format(skill=language.skill(surest), level=level, score=score, low=low, high=high)
    if unknown := len(scores) - len(known):
        yield says.still_unknown.format(all=len(scores), unknown=unknown)


def _of_profiles(question: Question) -> Iterator[str]:
    """What was seen most of the profile that changed most: this one is named, the others only said to be there."""
    says = question.language.tables.sentences
    profiles = _profiles(question)
    counted = [skill for skill in profiles if skill.facts[0].is_indicator]
    if counted:
        first = max(counted, key=lambda skill: (question.is_moved(skill.skill), abs(skill.facts[0].grew)))
        name = question.language.skill(first.skill)
        yield capitalised(says.profile.format(skill=name, fact=first.facts[0].in_full))
    if len(profiles) > 1:
        yield says.profiles_only


def _profiles(question: Question) -> list[AskedSkill]:
    return [skill for skill in question.skills if skill.kind == "profile"]

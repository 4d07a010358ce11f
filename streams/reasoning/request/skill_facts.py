"""The facts of one skill in words: what changed since it was explained, what was counted, and its evidence items."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.update import EvidenceItem, KnownSkill, SkillProfile, evidence_id
from streams.languages.language import Language
from streams.reasoning.counted import RateChange, SkillChange
from streams.reasoning.request.asked_fact import AskedFact, Direction
from streams.reasoning.request.leaning import leaning, leaning_of_rate
from streams.reasoning.request.tasks import TASK_SLOT, Tasks
from streams.reasoning.request.wording import (
    ChangeWay,
    WordedFact,
    change_in_words,
    in_words,
    rate_in_words,
    trend_of,
    way_of,
)
from streams.skills.skill_set import Indicator, Skill

MAX_CHANGES: Final = 2
"""Of one skill: those are told that changed most."""


def asked_facts(
    name: str,
    configured: Skill,
    skill: KnownSkill,
    change: SkillChange,
    as_of: datetime,
    evidence_ids: dict[str, str],
    tasks: Tasks,
    language: Language,
) -> Iterator[AskedFact]:
    """The facts of the skill `name`, `as_of` the update's time; notes in `evidence_ids` what each alias stands for, and
    in `tasks` those that they are of.
    """
    yield from _counted(name, configured, skill, change, as_of, evidence_ids, language)
    meanings = configured.meaning_of
    for number, item in enumerate(skill.evidence, 1):
        worded = in_words(item.fact, item.value, meanings, language)
        if worded is not None:
            alias = _alias(evidence_ids, evidence_id(name, number))
            when = {
                f"{alias}.when": language.age(timedelta(seconds=item.age_s).days),
                **_task(alias, item, tasks),
            }
            side = leaning(configured, item)
            direction: Direction = "neither" if isinstance(skill, SkillProfile) else "up" if side > 0 else "down"
            yield replace(_fact(alias, worded, when, direction, (item.fact,)), leaning=side)


def _counted(
    name: str,
    configured: Skill,
    skill: KnownSkill,
    change: SkillChange,
    as_of: datetime,
    evidence_ids: dict[str, str],
    language: Language,
) -> Iterator[AskedFact]:
    """What changed most of indicators since the skill was explained; then, of a profile, its other indicators, those
    first that moved most of late, then those of which most was observed.
    """
    known = {indicator.name: indicator for indicator in configured.indicators}
    rates = dict(skill.indicators) if isinstance(skill, SkillProfile) else {}
    days = (as_of - datetime.fromtimestamp(change.as_of_s, UTC)).days
    for each in _most_changed(change, rates):
        rates.pop(each.indicator, None)
        indicator, worded = known[each.indicator], change_in_words(known[each.indicator], each, days, language)
        alias = _alias(evidence_ids, f"{name}.{each.indicator}.since")
        fact = _fact(alias, worded, {}, "neither", _about(indicator), way_of(each))
        count, of = each.since.count + each.before.count, each.since.of + each.before.of
        yield _leaning(fact, indicator, count, of, each.difference)
    shown = [(known[each], rate) for each, rate in rates.items() if each in known]
    for indicator, rate in sorted(shown, key=lambda one: (-abs(one[1].trend), -one[1].of)):
        alias = _alias(evidence_ids, f"{name}.{indicator.name}")
        fact = _fact(alias, rate_in_words(indicator, rate, language), {}, "neither", _about(indicator), trend_of(rate))
        yield _leaning(fact, indicator, rate.count, rate.of, rate.trend)


def _task(alias: str, item: EvidenceItem, tasks: Tasks) -> dict[str, str]:
    """What fills the slot of the task of an item that has one."""
    task = None if item.task is None else tasks.alias(item.task)
    return {} if task is None else {f"{alias}{TASK_SLOT}": task}


def _leaning(fact: AskedFact, indicator: Indicator, count: float, of: float, moved: float) -> AskedFact:
    """The fact of an indicator that read `count` of `of` in all, and whose rate `moved` so far."""
    sign = (indicator.weight > 0) - (indicator.weight < 0)
    side, vague = leaning_of_rate(indicator, count, of), not (indicator.weight or count)
    return replace(fact, leaning=side, vague=vague, grew=moved * sign, weightless=not indicator.weight)


def _about(indicator: Indicator) -> tuple[str, ...]:
    """The fact that it counts: of several it is not known which, and what they are counted of need not have been."""
    return (indicator.numerator[0].partition(".")[0],) if len(indicator.numerator) == 1 else ()


def _fact(
    alias: str,
    worded: WordedFact,
    when: Mapping[str, str],
    direction: Direction,
    about: tuple[str, ...],
    way: ChangeWay | None = None,
) -> AskedFact:
    values = {f"{alias}{slot}": value for slot, value in worded.values.items()}
    text = worded.text.replace("{}", f"{{{alias}}}").replace("{.", f"{{{alias}.")
    return AskedFact(alias, text, {**values, **when}, direction, about, way, vague=worded.vague)


def _most_changed(change: SkillChange, shown: Collection[str]) -> Sequence[RateChange]:
    """The MAX_CHANGES indicators that changed most, then those of which most was counted since. Of what was never done
    only those that the profile shows, too.
    """
    known = [each for each in change.rates if each.was_done or each.indicator in shown]
    return sorted(known, key=lambda each: (-abs(each.difference), -each.since.of))[:MAX_CHANGES]


def _alias(evidence_ids: dict[str, str], id_: str) -> str:
    """A new alias of what is called `id_` outside."""
    alias = f"e{len(evidence_ids) + 1}"
    evidence_ids[alias] = id_
    return alias

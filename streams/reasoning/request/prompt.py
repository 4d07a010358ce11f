"""What the model is asked: facts with aliases, scores and definitions; never text, names or raw ids.

Every word of a request comes from configuration, from the closed vocabulary of `streams.reasoning.request.wording`, or
is a number. Evidence ids are replaced by aliases, times by whole days of age; nothing tells one student from another.
Numbers of facts are behind slots, see `slots`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from schemas.update import EvidenceItem, Kind, KnownSkill, SkillProfile, SkillUpdate
from streams.reasoning.counted import NO_CHANGES, UNCHANGED, RateChange, SkillChange
from streams.reasoning.request.instructions import INSTRUCTIONS
from streams.reasoning.request.leaning import leaning
from streams.reasoning.request.slots import filled
from streams.reasoning.request.suggesting import Suggesting
from streams.reasoning.request.wording import (
    ChangeWay,
    WordedFact,
    change_in_words,
    in_words,
    rate_in_words,
    trend_of,
    way_of,
)
from streams.skills.skill_set import Indicator, Skill, SkillSet
from streams.vocabulary import PHRASE_PREFIX

Direction = Literal["up", "down", "neither"]
MAX_CHANGES: Final = 3
"""Of one skill: those are told that changed most."""


@dataclass(frozen=True, slots=True)
class AskedFact:
    """One evidence item or indicator, in words with slots, and what fills them: "took {e1} on a task".

    An indicator has no `{e1.when}`; one of what was counted since the last explanation has an `{e1.since}`. `about` are
    the keys of the facts that it tells of; `way` says whether it tells of something that was done more often, or less.
    """

    id: str
    text: str
    values: Mapping[str, str]
    direction: Direction
    about: tuple[str, ...]
    way: ChangeWay | None = None

    @property
    def is_indicator(self) -> bool:
        """Whether it is one: what was counted, without a time of its own."""
        return f"{self.id}.when" not in self.values

    @property
    def is_change(self) -> bool:
        """Whether it tells what was counted since the last explanation."""
        return f"{self.id}.since" in self.values

    @property
    def is_configured(self) -> bool:
        """Whether its words are those of the skills file: of an indicator, or of what a phrase means."""
        return self.is_indicator or self.about[0].startswith(PHRASE_PREFIX)

    @property
    def number(self) -> str | None:
        """Its number with all that belongs to it, if it has one."""
        return self.values.get(self.id)

    @property
    def in_full(self) -> str:
        """Its words with its number."""
        return filled(self.text, self.values)


@dataclass(frozen=True, slots=True)
class Pull:
    """What one source did to a score: its status, and which way it pulled. In words: a number would be quoted."""

    source: str
    status: str
    pulls: Literal["up", "down", "neither"]


@dataclass(frozen=True, slots=True)
class AskedSkill:
    """One skill that has facts. What it lacks is None: a profile has no score, a score need not have an interval."""

    skill: str
    definition: str
    kind: Kind
    validated: bool
    facts: tuple[AskedFact, ...]
    score: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    level: str | None = None
    sources: tuple[Pull, ...] = ()

    def values_of(self, facts: Iterable[AskedFact]) -> dict[str, str]:
        """What fills slots: {score}, {low}, {high}, {confidence}, as far as it has them, and those of the facts."""
        own = {"score": self.score, "low": self.low, "high": self.high, "confidence": self.confidence}
        values = {name: f"{number:.2f}" for name, number in own.items() if number is not None}
        return values | {slot: value for fact in facts for slot, value in fact.values.items()}


@dataclass(frozen=True, slots=True)
class Request:
    """All that a model may know. `rejected` has the faults of its first answer, `again` the skills that lack a claim.

    The second request begins as the first one did: providers take less for a beginning that they know.
    """

    skills: tuple[AskedSkill, ...]
    rejected: tuple[str, ...] = ()
    again: tuple[str, ...] = ()

    @property
    def wanted(self) -> tuple[AskedSkill, ...]:
        """The skills of which claims are wanted."""
        return tuple(skill for skill in self.skills if not self.again or skill.skill in self.again)

    def after(self, faults: tuple[str, ...], unanswered: tuple[str, ...]) -> "Request":
        """The request for the skills that are `unanswered` still, with what was wrong with the answer to this one."""
        return replace(self, rejected=faults, again=unanswered)


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and what its aliases stand for; only the request leaves. `others` are skills not asked about, and
    `suggesting` is what may be suggested, by skill.
    """

    request: Request
    evidence_ids: Mapping[str, str]
    others: tuple[AskedSkill, ...] = ()
    moved: frozenset[str] | None = None
    suggesting: Mapping[str, Suggesting] = field(default_factory=dict)

    def is_moved(self, skill: str) -> bool:
        """Whether a skill is one that moved; all are where nobody said."""
        return self.moved is None or skill in self.moved

    @property
    def skills(self) -> tuple[AskedSkill, ...]:
        """All skills of which there is something to tell."""
        return self.request.skills + self.others


class Prompt:
    """Builds requests for one skill set."""

    def __init__(self, skill_set: SkillSet) -> None:
        self._skills = skill_set.skills
        self._definitions = {name: skill.definition for name, skill in skill_set.skills.items()}
        self._indicators = {
            name: {each.name: each for each in skill.indicators} for name, skill in skill_set.skills.items()
        }

    def question(
        self,
        update: SkillUpdate,
        moved: Collection[str] | None = None,
        changes: Mapping[str, SkillChange] = NO_CHANGES,
    ) -> Question:
        """The request for `update`: its skills that are in the skill set and have facts that have words.

        Asked is about those that `moved` and of which something is known; about all where it is None. Of those that
        moved, `changes` since they were explained are told first.
        """
        as_of = datetime.fromisoformat(update.as_of)
        evidence_ids: dict[str, str] = {}
        skills: list[AskedSkill] = []
        for name, skill in update.skills.items():
            if name not in self._definitions:
                continue
            change = changes.get(name, UNCHANGED) if moved is None or name in moved else UNCHANGED
            facts = (
                *self._counted(name, skill, change, as_of, evidence_ids),
                *_facts(self._skills[name], skill, as_of, evidence_ids),
            )
            if facts:
                skills.append(_asked(name, self._definitions[name], skill, facts))
        about = [skill for skill in skills if (moved is None or skill.skill in moved) and skill.level != "unknown"]
        others = [skill for skill in skills if skill not in about]
        names = None if moved is None else frozenset(moved)
        suggesting = {
            name: Suggesting(self._skills[name], name, skill)
            for name, skill in update.skills.items()
            if name in self._skills
        }
        return Question(Request(tuple(about)), evidence_ids, tuple(others), names, suggesting)

    def _counted(
        self, name: str, skill: KnownSkill, change: SkillChange, as_of: datetime, evidence_ids: dict[str, str]
    ) -> Iterator[AskedFact]:
        """What changed most of indicators since the skill was explained; then, of a profile, its other indicators,
        those first that moved most of late, then those of which most was observed.
        """
        known = self._indicators[name]
        rates = {rate.name: rate for rate in skill.indicators} if isinstance(skill, SkillProfile) else {}
        age = _age_of_last(as_of, change.as_of_s)
        for each in _most_changed(change, rates):
            rates.pop(each.indicator, None)
            alias, indicator = _alias(evidence_ids, f"{name}.{each.indicator}.since"), known[each.indicator]
            yield _fact(alias, change_in_words(indicator, each, age), {}, "neither", _about(indicator), way_of(each))
        for rate in sorted(rates.values(), key=lambda rate: (-abs(rate.trend), -rate.of)):
            if rate.name in known:
                alias, indicator = _alias(evidence_ids, f"{name}.{rate.name}"), known[rate.name]
                yield _fact(alias, rate_in_words(indicator, rate), {}, "neither", _about(indicator), trend_of(rate))


def render(request: Request) -> list[dict[str, str]]:
    """The request as chat messages: the standing instructions, then the facts as JSON."""
    facts = msgspec.json.encode({"skills": [_rendered(s) for s in request.skills]})
    messages = [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": facts.decode()},
    ]
    if request.rejected:
        faults = "\n".join(f"- {fault}" for fault in request.rejected)
        names = ", ".join(request.again)
        worded = f"Your first answer was rejected. Answer again, for {names} alone, without these faults:\n{faults}"
        messages.append({"role": "user", "content": worded})
    return messages


def _rendered(skill: AskedSkill) -> dict[str, object]:
    rendered = {**asdict(skill), "sources": [asdict(pull) for pull in skill.sources]}
    return {
        **{name: value for name, value in rendered.items() if value is not None and value != []},
        "facts": [
            {"id": fact.id, "fact": fact.text, "slots": fact.values, "direction": fact.direction}
            for fact in skill.facts
        ],
    }


def _facts(
    configured: Skill, skill: KnownSkill, as_of: datetime, evidence_ids: dict[str, str]
) -> tuple[AskedFact, ...]:
    facts: list[AskedFact] = []
    meanings = configured.meaning_of
    for item in skill.evidence:
        worded = in_words(item.fact, item.value, meanings)
        if worded is None:
            continue
        alias = _alias(evidence_ids, item.id)
        when = {f"{alias}.when": _age((as_of - datetime.fromisoformat(item.time)).days)}
        facts.append(_fact(alias, worded, when, _direction(configured, skill, item), (item.fact,)))
    return tuple(facts)


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
    return AskedFact(alias, text, {**values, **when}, direction, about, way)


def _most_changed(change: SkillChange, shown: Collection[str]) -> Sequence[RateChange]:
    """The MAX_CHANGES indicators that changed most, then those of which most was counted since. Of what was never done
    only those that the profile shows, too.
    """
    known = [each for each in change.rates if each.was_done or each.indicator in shown]
    return sorted(known, key=lambda each: (-abs(each.difference), -each.since.of))[:MAX_CHANGES]


def _age_of_last(as_of: datetime, last_s: int) -> str:
    days = (as_of - datetime.fromtimestamp(last_s, UTC)).days
    return _age(days) if days > 0 else "earlier today"


def _age(days: int) -> str:
    if days <= 0:
        return "today"
    return "1 day ago" if days == 1 else f"{days} days ago"


def _alias(evidence_ids: dict[str, str], id_: str) -> str:
    """A new alias of what is called `id_` outside."""
    alias = f"e{len(evidence_ids) + 1}"
    evidence_ids[alias] = id_
    return alias


def _direction(configured: Skill, skill: KnownSkill, item: EvidenceItem) -> Direction:
    if isinstance(skill, SkillProfile):
        return "neither"
    return "up" if leaning(configured, item) > 0 else "down"


def _asked(name: str, definition: str, skill: KnownSkill, facts: tuple[AskedFact, ...]) -> AskedSkill:
    if isinstance(skill, SkillProfile):
        return AskedSkill(name, definition, skill.kind, skill.validated, facts)
    return AskedSkill(
        skill=name,
        definition=definition,
        kind=skill.kind,
        score=round(skill.score, 2),
        low=None if skill.low is UNSET else round(skill.low, 2),
        high=None if skill.high is UNSET else round(skill.high, 2),
        confidence=round(skill.confidence, 2),
        level=skill.level,
        validated=skill.validated,
        sources=tuple(Pull(source, part.status, _pull(part.log_odds)) for source, part in skill.contributions.items()),
        facts=facts,
    )


def _pull(log_odds: float) -> Literal["up", "down", "neither"]:
    if log_odds == 0:
        return "neither"
    return "up" if log_odds > 0 else "down"

"""What the model is asked: facts with aliases, scores and definitions; never text, names or raw ids.

Every word of a request comes from configuration, from the closed vocabulary of `streams.reasoning.request.wording`, or
is a number. Evidence ids are replaced by aliases, times by whole days of age, the student by a pseudonym.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET

from schemas.update import EvidenceItem, Kind, KnownSkill, SkillProfile, SkillUpdate
from streams.reasoning.request.instructions import INSTRUCTIONS
from streams.reasoning.request.pseudonym import Pseudonyms
from streams.reasoning.request.wording import Quantity, in_words, rate_in_words
from streams.skills.skill_set import SkillSet

Direction = Literal["up", "down", "neither"]


@dataclass(frozen=True, slots=True)
class AskedFact:
    """One evidence item or indicator, in words, with the numbers in them. An indicator has no age."""

    id: str
    text: str
    quantities: tuple[Quantity, ...]
    age_days: int | None
    direction: Direction


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


@dataclass(frozen=True, slots=True)
class Request:
    """All that a model may know. `rejected` has the faults of its first answer."""

    student: str
    skills: tuple[AskedSkill, ...]
    rejected: tuple[str, ...] = ()

    def after(self, violations: tuple[str, ...]) -> "Request":
        """The same request, with what was wrong with the answer to it."""
        return replace(self, rejected=violations)


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and what its aliases stand for; only the request leaves."""

    request: Request
    evidence_ids: Mapping[str, str]


class Prompt:
    """Builds requests for one skill set."""

    def __init__(self, skill_set: SkillSet, pseudonyms: Pseudonyms) -> None:
        self._definitions = {name: skill.definition for name, skill in skill_set.skills.items()}
        self._indicators = {
            name: {each.name: each for each in skill.indicators} for name, skill in skill_set.skills.items()
        }
        self._pseudonyms = pseudonyms

    def question(self, update: SkillUpdate) -> Question:
        """The request for `update`: its skills that are in the skill set and have facts that have words."""
        as_of = datetime.fromisoformat(update.as_of)
        evidence_ids: dict[str, str] = {}
        skills: list[AskedSkill] = []
        for name, skill in update.skills.items():
            if name not in self._definitions:
                continue
            facts = (*self._rates(name, skill, evidence_ids), *_facts(skill, as_of, evidence_ids))
            if facts:
                skills.append(_asked(name, self._definitions[name], skill, facts))
        student = self._pseudonyms.of(update.student_id)
        return Question(Request(student, tuple(skills)), evidence_ids)

    def _rates(self, name: str, skill: KnownSkill, evidence_ids: dict[str, str]) -> tuple[AskedFact, ...]:
        """A profile's indicators, those first that moved most of late; then those of which most was observed."""
        if not isinstance(skill, SkillProfile):
            return ()
        known = self._indicators[name]
        facts: list[AskedFact] = []
        for rate in sorted(skill.indicators, key=lambda rate: (-abs(rate.trend), -rate.of)):
            if rate.name in known:
                alias = _alias(evidence_ids, f"{name}.{rate.name}")
                worded = rate_in_words(known[rate.name], rate)
                facts.append(AskedFact(alias, worded.text, worded.quantities, None, "neither"))
        return tuple(facts)


def render(request: Request) -> list[dict[str, str]]:
    """The request as chat messages: the standing instructions, then the facts as JSON."""
    facts = msgspec.json.encode({"student": request.student, "skills": [_rendered(s) for s in request.skills]})
    messages = [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": facts.decode()},
    ]
    if request.rejected:
        faults = "\n".join(f"- {fault}" for fault in request.rejected)
        worded = f"Your first answer was rejected. Answer again, in full, without these faults:\n{faults}"
        messages.append({"role": "user", "content": worded})
    return messages


def _rendered(skill: AskedSkill) -> dict[str, object]:
    facts = [{"id": f.id, "fact": f.text, "days_ago": f.age_days, "direction": f.direction} for f in skill.facts]
    rendered = {**asdict(skill), "sources": [asdict(pull) for pull in skill.sources]}
    return {
        **{name: value for name, value in rendered.items() if value is not None and value != []},
        "facts": [{name: value for name, value in fact.items() if value is not None} for fact in facts],
    }


def _facts(skill: KnownSkill, as_of: datetime, evidence_ids: dict[str, str]) -> tuple[AskedFact, ...]:
    facts: list[AskedFact] = []
    for item in skill.evidence:
        worded = in_words(item.fact, item.value)
        if worded is None:
            continue
        alias = _alias(evidence_ids, item.id)
        age_days = max((as_of - datetime.fromisoformat(item.time)).days, 0)
        facts.append(AskedFact(alias, worded.text, worded.quantities, age_days, _direction(skill, item)))
    return tuple(facts)


def _alias(evidence_ids: dict[str, str], id_: str) -> str:
    """A new alias of what is called `id_` outside."""
    alias = f"e{len(evidence_ids) + 1}"
    evidence_ids[alias] = id_
    return alias


def _direction(skill: KnownSkill, item: EvidenceItem) -> Direction:
    if isinstance(skill, SkillProfile):
        return "neither"
    return "up" if item.direction > 0 else "down"


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

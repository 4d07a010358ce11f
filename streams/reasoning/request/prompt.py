"""What the model is asked: facts with aliases, scores and definitions; never text, names or raw ids.

Every word of a request comes from configuration, from the closed vocabulary of `streams.reasoning.request.wording`, or
is a number. Evidence ids are replaced by aliases, times by whole days of age, the student by a pseudonym.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal

import msgspec

from schemas.update import SkillScore, SkillUpdate
from streams.reasoning.request.instructions import INSTRUCTIONS
from streams.reasoning.request.pseudonym import Pseudonyms
from streams.reasoning.request.wording import Quantity, in_words
from streams.skills.skill_set import SkillSet

Direction = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class AskedFact:
    """One evidence item, in words."""

    id: str
    text: str
    quantity: Quantity | None
    age_days: int
    direction: Direction


@dataclass(frozen=True, slots=True)
class Pull:
    """What one source did to a score: its status, and which way it pulled. In words: a number would be quoted."""

    source: str
    status: str
    pulls: Literal["up", "down", "neither"]


@dataclass(frozen=True, slots=True)
class AskedSkill:
    """One skill that has facts."""

    skill: str
    definition: str
    score: float
    low: float
    high: float
    confidence: float
    level: str
    validated: bool
    sources: tuple[Pull, ...]
    facts: tuple[AskedFact, ...]


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
        self._pseudonyms = pseudonyms

    def question(self, update: SkillUpdate) -> Question:
        """The request for `update`: its skills that are in the skill set and have facts that have words."""
        as_of = datetime.fromisoformat(update.as_of)
        evidence_ids: dict[str, str] = {}
        skills: list[AskedSkill] = []
        for name, skill in update.skills.items():
            if name not in self._definitions:
                continue
            facts = _facts(skill, as_of, evidence_ids)
            if facts:
                skills.append(_asked(name, self._definitions[name], skill, facts))
        student = self._pseudonyms.of(update.student_id)
        return Question(Request(student, tuple(skills)), evidence_ids)


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
    return {
        **asdict(skill),
        "sources": [asdict(pull) for pull in skill.sources],
        "facts": [{"id": f.id, "fact": f.text, "days_ago": f.age_days, "direction": f.direction} for f in skill.facts],
    }


def _facts(skill: SkillScore, as_of: datetime, evidence_ids: dict[str, str]) -> tuple[AskedFact, ...]:
    facts: list[AskedFact] = []
    for item in skill.evidence:
        worded = in_words(item.fact, item.value)
        if worded is None:
            continue
        alias = f"e{len(evidence_ids) + 1}"
        evidence_ids[alias] = item.id
        age_days = max((as_of - datetime.fromisoformat(item.time)).days, 0)
        direction: Direction = "up" if item.direction > 0 else "down"
        facts.append(AskedFact(alias, worded.text, worded.quantity, age_days, direction))
    return tuple(facts)


def _asked(name: str, definition: str, skill: SkillScore, facts: tuple[AskedFact, ...]) -> AskedSkill:
    return AskedSkill(
        skill=name,
        definition=definition,
        score=round(skill.score, 2),
        low=round(skill.low, 2),
        high=round(skill.high, 2),
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

"""What the model is asked: facts with aliases, scores and definitions; never text, names or raw ids.

Every word of a request comes from configuration, from the closed vocabulary of `streams.reasoning.request.wording`, or
is a number. Evidence ids are replaced by aliases, times by whole days of age; nothing tells one student from another.
Numbers of facts are behind slots, see `slots`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from schemas.update import Kind, KnownSkill, SkillProfile, SkillUpdate
from streams.languages.language import ENGLISH, Language
from streams.reasoning.counted import NO_CHANGES, UNCHANGED, SkillChange
from streams.reasoning.request.asked_fact import AskedFact as AskedFact
from streams.reasoning.request.asked_fact import Direction as Direction
from streams.reasoning.request.instructions import INSTRUCTIONS
from streams.reasoning.request.skill_facts import asked_facts
from streams.reasoning.request.suggesting import Suggesting
from streams.reasoning.request.tasks import Tasks
from streams.skills.skill_set import SkillSet

MAX_SENT: Final = 4
"""Facts of a skill that are sent; a claim or two need no more, and each costs."""


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
    `suggesting` is what may be suggested, by skill; `tasks` are what tasks are called.
    """

    request: Request
    evidence_ids: Mapping[str, str]
    others: tuple[AskedSkill, ...] = ()
    moved: frozenset[str] | None = None
    suggesting: Mapping[str, Suggesting] = field(default_factory=dict)
    language: Language = ENGLISH
    tasks: Tasks = field(default_factory=Tasks)

    def is_moved(self, skill: str) -> bool:
        """Whether a skill is one that moved; all are where nobody said."""
        return self.moved is None or skill in self.moved

    @property
    def skills(self) -> tuple[AskedSkill, ...]:
        """All skills of which there is something to tell."""
        return self.request.skills + self.others


class Prompt:
    """Builds requests for one skill set, and what is told of a student in `language`.

    A model is asked in English alone: in no other language can its claims be checked.
    """

    def __init__(self, skill_set: SkillSet, language: Language = ENGLISH) -> None:
        self._skills = skill_set.skills
        self._language = language
        self._definitions = {name: skill.definition for name, skill in skill_set.skills.items()}

    def question(
        self,
        update: SkillUpdate,
        moved: Collection[str] | None = None,
        changes: Mapping[str, SkillChange] = NO_CHANGES,
    ) -> Question:
        """The request for `update`: its skills that are in the skill set and have facts that have words.

        Asked is about those that `moved` and of which something is known; about all where it is None; in another
        language than English about none. Of those that moved, `changes` since they were explained are told first.
        """
        as_of = datetime.fromisoformat(update.as_of)
        evidence_ids: dict[str, str] = {}
        tasks = Tasks()
        skills: list[AskedSkill] = []
        for name, skill in update.skills.items():
            if name not in self._definitions:
                continue
            change = changes.get(name, UNCHANGED) if moved is None or name in moved else UNCHANGED
            configured = self._skills[name]
            facts = tuple(asked_facts(name, configured, skill, change, as_of, evidence_ids, tasks, self._language))
            if facts:
                skills.append(_asked(name, self._definitions[name], skill, facts))
        asks = self._language.code == "en"
        about = [
            skill for skill in skills if asks and (moved is None or skill.skill in moved) and skill.level != "unknown"
        ]
        others = [skill for skill in skills if skill not in about]
        others.sort(key=lambda skill: moved is not None and skill.skill not in moved)  # what is new is told first
        names = None if moved is None else frozenset(moved)
        suggesting = {
            name: Suggesting(self._skills[name], name, skill)
            for name, skill in update.skills.items()
            if name in self._skills
        }
        return Question(Request(tuple(about)), evidence_ids, tuple(others), names, suggesting, self._language, tasks)


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
    rendered = {**asdict(skill), "sources": [asdict(pull) for pull in skill.sources], "validated": None}
    if skill.kind == "profile":  # of which no more may be said than what was done
        rendered["definition"] = None
    return {
        **{name: value for name, value in rendered.items() if value is not None and value != []},
        "facts": [
            {
                **{"id": fact.id, "fact": fact.text, "slots": _shown_slots(fact)},
                **({} if fact.direction == "neither" else {"direction": fact.direction}),
            }
            for fact in worth_sending(skill.facts)
        ],
    }


def worth_sending(facts: Sequence[AskedFact]) -> list[AskedFact]:
    """At most MAX_SENT facts, in their order: of those that read the same the first, of each side one at
    least; those that say next to nothing only where there are no others. One less where one tells a change: it is long.
    """
    read = {fact.id: (fact.direction, fact.in_full, *fact.values.values()) for fact in facts}
    different = {read[fact.id]: fact for fact in reversed(facts)}
    meant = [fact for fact in facts if fact in different.values() and not fact.vague] or list(facts)
    first_of_sides = {(fact.is_indicator, fact.leaning): fact.id for fact in reversed(meant)}
    first = set(first_of_sides.values())
    most = MAX_SENT - any(fact.is_change for fact in meant)
    ranked = sorted(meant, key=lambda fact: (fact.weightless, fact.id not in first))[:most]
    return [fact for fact in meant if fact in ranked]


def _shown_slots(fact: AskedFact) -> dict[str, str]:
    """What fills its slots; a rate is the same number again, and costs as much."""
    return {slot: value for slot, value in fact.values.items() if not slot.endswith(".rate")}


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
        sources=tuple(Pull(source, part.status, _pull(part.added)) for source, part in skill.contributions.items()),
        facts=facts,
    )


def _pull(log_odds: float) -> Literal["up", "down", "neither"]:
    if log_odds == 0:
        return "neither"
    return "up" if log_odds > 0 else "down"

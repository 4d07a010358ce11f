"""What each kind of event feeds, found by folding events of that kind: facts, texts, ratings, and who listens."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas import event as e
from schemas.dialects.act import KINDS, Act, native
from schemas.dialects.native import convert
from streams.event_record import EventRecord, event_pipeline
from streams.replay import Replay
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import Skill
from streams.skills.skills_file import load_skills
from streams.vocabulary import Fact

TEXTS: Final = "phrases of its text"
RATINGS: Final = "its rating"
_T: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
_FULL_ACTS: Final[list[dict[str, object]]] = [
    {"score": 0.2, "hints": 1, "duration_s": 60.0},
    {"score": 0.9, "attempt": 2, "due": _T + timedelta(days=1), "reply_to": "m1"},
    {"score": 0.9, "due": _T - timedelta(days=1)},
]
"""A poor one, a good one that came later, one that came too late."""
_NATIVE_ONLY: Final[list[dict[str, object]]] = [
    {"type": "overdue", "item_id": "essay"},
    {"type": "control", "task_id": "climate", "controls": {"a": 1, "b": 0}, "changed": 1, "duration_s": 5},
    {"type": "control", "task_id": "climate", "controls": {"a": 1, "b": 1}, "duration_s": 5},
    {"type": "control", "task_id": "climate", "controls": {"a": 0}, "duration_s": 5},
    {"type": "control", "task_id": "climate", "reset": True, "duration_s": 5},
    {"type": "rubric", "skill": "", "rating": 0.8},
]


class Fed(NamedTuple):
    """A kind, the type of native event that it is, and what that feeds."""

    kind: str
    event: str
    facts: tuple[str, ...]
    skills: tuple[str, ...]


class DefaultSkills:
    """The default set, which the documentation speaks of."""

    def __init__(self) -> None:
        loaded = load_skills("default")
        self._skills: Mapping[str, Skill] = loaded.skills
        self._pipeline = event_pipeline(loaded)

    @property
    def names(self) -> tuple[str, ...]:
        """The skills, in the file's order."""
        return tuple(self._skills)

    def fed(self) -> Iterable[Fed]:
        """Of every kind that tables name, then of every type that only native events have."""
        for kind in KINDS:
            yield self._fed(kind, [native(kind, _act(number, said)) for number, said in enumerate(_FULL_ACTS)])
        for type_ in dict.fromkeys(str(said["type"]) for said in _NATIVE_ONLY):
            yield self._fed("", [self._event(n, said) for n, said in enumerate(_NATIVE_ONLY) if said["type"] == type_])

    def _event(self, number: int, said: dict[str, object]) -> e.NativeEvent:
        common = {"version": 1, "event_id": f"e{number}", "student_id": "ada", "time": _T}
        skill = {"skill": next(iter(self._skills))} if "skill" in said else {}
        return convert({**common, **said, **skill})

    def _fed(self, kind: str, events: list[e.NativeEvent]) -> Fed:
        row_batch = asyncio.run(self._folded(events))
        counts = zip(Fact, row_batch.facts["n"][0].tolist(), strict=True)
        facts = [fact.key for fact, n in counts if n and fact.standing != "language"]
        skills = {name for name, skill in self._skills.items() if not _heard(skill).isdisjoint(facts)}
        if row_batch.skill_states["text_n"].any():
            facts.append(TEXTS)
            skills |= {name for name, skill in self._skills.items() if skill.lexicon or skill.text_table}
        if row_batch.skill_states["rubric_n"].any():
            facts.append(RATINGS)
            skills |= set(self._skills)
        type_ = str(type(events[0]).__struct_config__.tag)
        return Fed(kind, type_, tuple(facts), tuple(name for name in self._skills if name in skills))

    async def _folded(self, events: Sequence[e.NativeEvent]) -> RowBatch:
        """The row of the one student whose events these are."""
        replay = Replay(self._pipeline, scores=False)
        now_ms = int((_T + timedelta(hours=1)).timestamp() * 1000)
        await replay.feed([EventRecord(offset, now_ms, event) for offset, event in enumerate(events)])
        return RowBatch.of([row for _, row in replay.rows.items(0)] or [None], tuple(self._skills))


def _heard(skill: Skill) -> set[str]:
    """The facts that a skill's indicators count, or that are its evidence."""
    terms = [term for indicator in skill.indicators for term in indicator.numerator + indicator.denominator]
    return {term.partition(".")[0] for term in terms} | set(skill.evidence_weights)


def _act(number: int, said: dict[str, object]) -> Act:
    time = _T + timedelta(minutes=number)
    act = Act(event_id=f"e{number}", student_id="ada", time=time, object_id="q1", text="I tried again, thank you")
    for name, value in said.items():
        setattr(act, name, value)
    return act

"""Simulated students, each explained once at half of their events, and then again: so that what changed is told.

All of a worker's own path is taken but Kafka: its step folds and notes, a budget grants, the scripted model answers,
each claim is checked, and what was explained is read back into the row.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from schemas.explanation import Explanation, ReasoningResult
from schemas.update import read_update
from streams.evidence.artifacts import load_artifact
from streams.languages.tables import LANGUAGE_CODES, LanguageCode
from streams.limits import MemoryLimiter, Registry, calls_per_minute
from streams.pipeline import Pipeline
from streams.reasoning.assembly import assemble
from streams.reasoning.counted import changes_of
from streams.reasoning.explainer import Explainer
from streams.reasoning.model import template
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.policy.explained import with_noted
from streams.reasoning.policy.pending import moved_skills
from streams.reasoning.policy.settings import LIMITER, PendingPolicy
from streams.reasoning.request.prompt import Prompt, Request
from streams.rows.row_batch import RowBatch
from streams.scoring.updates import rfc3339
from streams.simulation import simulate
from streams.skills.skills_file import load_skills
from tests.events import NOW_US, fail_source, record
from tests.stepped import CHANNELS, Stepped, owning_partition

_ANSWERED_AT: Final = NOW_US // 1000


@dataclass(frozen=True, slots=True)
class Told:
    """One student twice over: by the whole path, and by the template alone. `moved` are the skills asked about, by
    `request`.
    """

    student: str
    moved: tuple[str, ...]
    request: Request
    explanation: Explanation
    templated: Mapping[LanguageCode, Explanation]


class SampleClass:
    """A simulated class under one skill set and its artifact."""

    def __init__(self, skills: str, *, students: int, events: int, seed: int) -> None:
        pipeline = Pipeline(load_skills(skills), load_artifact(skills), on_failure=fail_source)
        self._stepped = Stepped(pipeline=pipeline)
        records = [*simulate(students, events, seed, faults=0.0)]
        self._halves = records[: events // 2], records[events // 2 :]
        self._folded = 0
        self.students = sorted({each.key for each in records})

    def told(self, count: int) -> list[Told]:
        """The first `count` students of whom something moved in the second half."""
        for number, half in enumerate(self._halves):
            for each in half:
                self._fold(each.key, each.value)
            if number == 0:
                for student in self.students:
                    self._explain(student)
        told = (self._explain(student) for student in self.students)
        return [each for each in told if each is not None][:count]

    def _fold(self, student: bytes, value: bytes) -> None:
        partition = owning_partition(student)
        self._folded += 1
        event = record(value, self._folded, partition=partition, key=student, timestamp=_ANSWERED_AT)
        self._stepped.take(CHANNELS.activity, partition, [event])

    def _explain(self, student: bytes) -> Told | None:
        found = asyncio.run(self._asked(student))
        if found is None:
            return None
        told, result = found
        partition = owning_partition(student)
        read_back = record(
            msgspec.json.encode(result), self._folded, partition=partition, key=student, timestamp=_ANSWERED_AT
        )
        self._stepped.take(CHANNELS.results, partition, [read_back])
        return told

    async def _asked(self, student: bytes) -> tuple[Told, ReasoningResult] | None:
        pipeline, rows = self._stepped.pipeline, self._stepped.rows
        row_batch = RowBatch.of([rows.get(owning_partition(student), student)], pipeline.skill_set.names)
        scored = await pipeline.score(row_batch)
        [written] = pipeline.write([student], scored)
        update, changes = read_update(written), changes_of(scored.rows, pipeline.skill_set)
        moved = moved_skills(scored, pipeline.skill_set.levels, PendingPolicy())
        if not moved:
            return None
        prompt = Prompt(pipeline.skill_set)
        explainer = Explainer(ScriptedModel(), prompt, lambda: NOW_US, Random(1), registry=await _registry())
        explanation, result = await explainer.explain(update, row_batch.pending(0), moved, changes)
        assert explanation is not None
        asked = prompt.question(update, moved, changes).request
        templated = {}
        for code in LANGUAGE_CODES:
            language = pipeline.skill_set.language_of(code)
            question = Prompt(pipeline.skill_set, language).question(update, moved, changes)
            draft = template.draft_of(question.skills, language)
            at = rfc3339(NOW_US)
            templated[code] = assemble(update, question, draft, "template", template.TEMPLATE_VERSION, at)
        noted = with_noted(result, moved, scored.rows, pipeline.skill_set)
        return Told(update.student_id, tuple(moved), asked, explanation, templated), noted


async def _registry() -> Registry:
    limiter = MemoryLimiter(LIMITER, [calls_per_minute(60)], clock_us=lambda: NOW_US)
    await limiter.fill()
    registry = Registry()
    registry.register(limiter)
    return registry

"""A student's answer: all look-ups side by side, put together with the catalogue's texts."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Literal, TypeVar

from msgspec import UNSET

from agents.queries.lookups import Existence, StoredStudent, StudentLookups
from schemas.catalogue import CatalogueEntry
from schemas.errors import Retryable, SkillstreamError
from schemas.student_answer import AnswerPart, DescribedEvidence, DescribedSkill, StudentAnswer
from schemas.update import KnownSkill, SkillProfile, SkillUpdate

Missing = Literal["unknown", "erased"]
_T = TypeVar("_T")
_LATE: Final = "not looked up in time"


class NotLookedUp(Retryable):
    """Without this there is no answer: whether there is such a student, or their scores."""


class StudentAnswers:
    """By `lookups`, each of which has `timeout_s`; `entry` tells the texts of the configuration in force."""

    def __init__(self, lookups: StudentLookups, entry: Callable[[], CatalogueEntry], timeout_s: float) -> None:
        self._lookups, self._entry, self._timeout_s = lookups, entry, timeout_s

    async def answer(self, student: StoredStudent) -> StudentAnswer | Missing:
        """The answer takes as long as the slowest look-up: none waits for another. Raises NotLookedUp."""
        lookups = self._lookups
        tasks = existence, behaviour, language, scores = (
            asyncio.create_task(self._within(lookups.existence(student))),
            asyncio.create_task(self._within(lookups.behaviour(student))),
            asyncio.create_task(self._within(lookups.language(student))),
            asyncio.create_task(self._within(lookups.last_scores(student))),
        )
        try:
            found: Existence = await _required(existence, "whether there is such a student")
            if found != "known":
                return found
            update = await _required(scores, "their scores")
            if update is None:
                return "unknown"
            counted, read = await _optional(behaviour), await _optional(language)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        partial: list[AnswerPart] = []
        if counted is None:
            partial.append("behaviour")
        if read is None:
            partial.append("language")
        return _answer(
            update,
            self._entry(),
            behaviour=None if counted is None else dict(counted),
            language=None if read is None else dict(read),
            partial=partial,
        )

    async def _within(self, lookup: Coroutine[Any, Any, _T]) -> _T:
        async with asyncio.timeout(self._timeout_s):
            return await lookup


async def _required(task: Awaitable[_T], what: str) -> _T:
    try:
        return await task
    except TimeoutError:
        raise NotLookedUp(f"{what}: {_LATE}") from None
    except SkillstreamError as error:
        raise NotLookedUp(f"{what}: {error}") from error


async def _optional(task: Awaitable[_T]) -> _T | None:
    try:
        return await task
    except (TimeoutError, SkillstreamError):
        return None


def _answer(update: SkillUpdate, entry: CatalogueEntry, **looked_up: Any) -> StudentAnswer:
    return StudentAnswer(
        student_id=update.student_id,
        seq=update.seq,
        as_of=update.as_of,
        config_version=update.config_version,
        skill_set=entry.skill_set,
        model=entry.model,
        levels=entry.levels,
        skills={name: _skill(update, entry, name, skill) for name, skill in update.skills.items()},
        mastery=update.mastery,
        changed=update.changed,
        course_id=update.course_id,
        class_id=update.class_id,
        school_id=update.school_id,
        degraded=update.degraded,
        norms_version=update.norms_version,
        new_cohort=update.new_cohort,
        **looked_up,
    )


def _skill(update: SkillUpdate, entry: CatalogueEntry, name: str, skill: KnownSkill) -> DescribedSkill:
    catalogued = entry.skills[name]
    evidence = [
        DescribedEvidence(
            fact=item.fact,
            text=entry.in_words(item),
            time=update.time_of(item),
            value=item.value,
            task=UNSET if item.task is None else item.task,
            against=item.direction < 0,
        )
        for item in skill.evidence
    ]
    if isinstance(skill, SkillProfile):
        return DescribedSkill(
            kind=skill.kind,
            definition=catalogued.definition,
            contributions=skill.contributions,
            evidence=evidence,
        )
    return DescribedSkill(
        kind=skill.kind,
        definition=catalogued.definition,
        score=skill.score,
        low=skill.low,
        high=skill.high,
        confidence=skill.confidence,
        level=skill.level,
        validated=skill.validated,
        out_of_range=skill.out_of_range,
        rests_on=entry.rests_on(name, skill),
        contributions=skill.contributions,
        evidence=evidence,
    )

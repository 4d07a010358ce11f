"""A model that compares students with their cohort, of a simulated class of one course."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Final

from schemas.dialects import decode
from streams.event_record import event_pipeline
from streams.evidence.artifacts import Artifact
from streams.replay import FileRecord
from streams.training.dated import dated_events
from streams.training.moments import Moment, moments_of
from streams.training.norm_timeline import NormPlan, NormTimeline, norms_over
from streams.training.trainer import Plan, train
from tests.events import default_skills
from tests.unit.training import simulated

SKILL: Final = "problem_solving"
COURSE: Final = "physics"
EVERY_US: Final = 60_000_000
"""The class acts once a minute."""
INPUTS: Final = ("controls_*", "varied_*.n", "work_time_z", "work_time_rank")


def class_of(seed: int = 1) -> list[FileRecord]:
    """Its events."""
    return simulated.records(simulated.lines(seed, course_id=COURSE))


def timeline_over(records: Sequence[FileRecord]) -> NormTimeline:
    """Norms of every minute."""
    process = norms_over(dated_events(records, decode), event_pipeline(default_skills()), NormPlan(EVERY_US))
    return asyncio.run(process)


def moments_under(timeline: NormTimeline, records: Sequence[FileRecord], steps: int = 1) -> list[Moment]:
    """Of everybody's label, and before."""
    moments, _ = asyncio.run(moments_of(records, simulated.labels(), default_skills(), steps))
    return timeline.of(moments)


@cache
def artifact(inputs: tuple[str, ...] = INPUTS) -> Artifact:
    """Trained on a third of the events, two thirds, and all."""
    moments = moments_under(timeline_over(class_of()), class_of(), 3)
    trained = train(moments, Plan("cohorts", default_skills(), inputs=inputs, folds=3))
    return Artifact(trained.card, trained.models, "0" * 64)

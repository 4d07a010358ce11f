"""Models that compare students with their cohort: learnt, asked and published under the norms of the time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import UNSET

from schemas.dialects import decode
from schemas.update import SkillScore, SkillUpdate, read_update
from streams.evidence.artifacts import Artifact, save_artifact
from streams.evidence.model import model_source
from streams.evidence.source import reads_norms
from streams.norms.offline import OfflineNorms
from streams.pipeline import Pipeline
from streams.replay import FileRecord, NormedReplay, TimedRecord
from streams.scoring.json_columns import SCORE_DIGITS
from streams.training.dated import dated_events
from streams.training.labelled import predictions_of, score_moments
from streams.training.labels import StudentGroups
from streams.training.norm_timeline import NO_TIMELINE
from tests.events import default_skills, event, fail_source, folded, raw, row_batch_of, updates_about
from tests.unit.training import simulated
from tests.unit.training.cohort_model import EVERY_US, SKILL, artifact, class_of, moments_under, timeline_over


def stored(folder: Path) -> Artifact:
    return save_artifact(folder, artifact().card, artifact().models)


def test_a_model_learns_what_sets_a_student_apart_from_the_cohort() -> None:
    card = artifact().card.skills[SKILL]

    assert {"work_time_z", "work_time_rank"} <= set(card.features)
    assert card.trained_on is not None
    assert card.trained_on.ranges["work_time_z"].missing is False


def test_norms_make_no_difference_to_models_that_compare_nobody() -> None:
    apart = artifact(("controls_*", "varied_*.n"))

    assert [reads_norms(model_source(each, default_skills().names)) for each in (artifact(), apart)] == [True, False]


def test_scores_of_moments_are_those_that_a_replay_publishes_under_its_norms(tmp_path: Path) -> None:
    records, loaded = class_of(seed=2), stored(tmp_path)
    moments = moments_under(timeline_over(records), records)
    scored = asyncio.run(score_moments(moments, default_skills(), loaded))
    predicted = predictions_of(scored, default_skills(), loaded, StudentGroups())[SKILL]
    published = published_of(loaded, records)

    for moment, p in zip(moments, np.round(predicted.p, SCORE_DIGITS).tolist(), strict=True):
        update = published[moment.label.student]
        said = update.skills[SKILL]
        assert isinstance(said, SkillScore)
        assert said.score == p
        assert moment.norms is not None
        assert update.norms_version == moment.norms.version
        assert update.new_cohort is UNSET


def published_of(artifact: Artifact, records: Sequence[FileRecord]) -> dict[str, SkillUpdate]:
    """The last update of each student, in the order of time, with norms every minute."""
    pipeline = Pipeline(default_skills(), artifact, on_failure=fail_source)
    replay = NormedReplay(pipeline, OfflineNorms(EVERY_US, {}), EVERY_US)
    dated = dated_events(records, decode)
    timed = [TimedRecord(each.time_us, record) for each, record in zip(dated, records, strict=True)]
    published = {}
    for batch in replay.in_periods(timed):
        updates = asyncio.run(replay.feed(batch)).updates
        published.update({key.decode(): read_update(update) for key, update in updates.items()})
    return published


def test_norms_move_the_score_of_the_same_row(tmp_path: Path) -> None:
    records, loaded = class_of(seed=2), stored(tmp_path)
    under, without = (
        asyncio.run(score_moments(moments_under(timeline, records), default_skills(), loaded)).estimates["model"].p
        for timeline in (timeline_over(records), NO_TIMELINE)
    )

    assert not np.array_equal(under, without, equal_nan=True)


@pytest.mark.parametrize(
    ("given", "out_of_range", "new_cohort"),
    [
        ({"course_id": "physics"}, UNSET, UNSET),
        ({"course_id": "physics", "duration_s": 31_000_000.0}, True, UNSET),
        ({"course_id": "chemistry"}, True, True),
    ],
)
def test_an_update_says_that_a_student_is_unlike_the_cohorts_in_training_or_of_a_new_one(
    tmp_path: Path, given: dict[str, Any], out_of_range: object, new_cohort: object
) -> None:
    pipeline = Pipeline(default_skills(), stored(tmp_path), on_failure=fail_source)
    pipeline.put_norms(timeline_over(class_of()).views[-1])
    done = {"controls": {"top": 1.0, "central": 0.0, "bottom": 0.0}, "changed": 1, "duration_s": 10.0, **given}
    row = folded(*(event("control", minute=number, **done) for number in range(5)))

    [update] = updates_about(pipeline, ["ada"], row_batch_of(row))

    said = update.skills[SKILL]
    assert isinstance(said, SkillScore)
    assert (said.out_of_range, update.new_cohort) == (out_of_range, new_cohort)


def test_norms_of_a_period_are_in_force_in_the_next_one() -> None:
    pipeline = Pipeline(default_skills(), artifact(), on_failure=fail_source)
    replay = NormedReplay(pipeline, OfflineNorms(EVERY_US, {}), EVERY_US)
    minutes = [number // 10 + 0.5 for number in range(30)]
    lines = [raw("control", f"s{at}", minute=minute, course_id="physics") for at, minute in enumerate(minutes)]
    timed = map(TimedRecord, map(simulated.as_of_us, minutes), simulated.records(lines))
    students = []
    for batch in replay.in_periods(timed):
        students.append(pipeline.norms and pipeline.norms.snapshot.cohorts["students"].tolist())
        asyncio.run(replay.feed(batch))

    assert students == [None, [10], [20]]

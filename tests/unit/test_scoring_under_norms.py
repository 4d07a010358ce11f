"""Norms in force: what is scored under them says so, and nothing changes where there are none."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from msgspec import UNSET

from schemas.fusion_config import Overrides
from schemas.update import SkillUpdate, read_update
from streams.evidence.registry import make_sources, types_of
from streams.evidence.source import ComputedSource, Estimate, Source
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.rows.codec import decode_row
from streams.rows.enrolment import EnrolmentIds, enrolment_of
from streams.rows.layout import NORMED_VERSION
from streams.rows.row import Row
from streams.rows.row_batch import RowBatch
from tests.artifacts import of_a_former_trainer
from tests.events import default_skills, event, fail_source, folded, raw, records, scores_of, updates_about
from tests.norms import Fields, snapshot_of

CONTROLS: dict[str, Any] = {"task_id": "t", "controls": {"a": 1.0, "b": 0.0}, "changed": 1, "duration_s": 3.0}
ENROLLED: dict[str, Any] = {"course_id": "maths", "class_id": "7b", "source": "moodle"}


class SharesOfOthers:
    """The model, which says what share of all answers is right by the norms, where there are any."""

    name = "model"
    compares_cohorts = True

    def __init__(self, model: ComputedSource, norms: NormView | None = None) -> None:
        self._model, self._norms = model, norms

    def compute(self, row_batch: RowBatch, /) -> Estimate:
        estimate = self._model.compute(row_batch)
        if self._norms is None:
            return estimate
        return replace(estimate, p=np.where(np.isnan(estimate.p), np.nan, self._norms.share_right))

    def with_norms(self, norms: NormView | None, /) -> Source:
        return SharesOfOthers(self._model, norms)


class Interrupted:
    """Behaviour that is waited for, while somebody does something else."""

    name = "behaviour"

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.meanwhile = meanwhile

    async def estimate(self, row_batch: RowBatch) -> Estimate:
        self.meanwhile()
        return Estimate.empty(len(row_batch), len(row_batch.names))


def norms(share_right: float = 0.5, cohorts: Mapping[str, Fields] | None = None) -> NormView:
    """Norms under which this share of answers is right."""
    components = {"sums": {"answers": 100, "wins": round(100 * share_right)}}
    return NormView(snapshot_of(components=components, cohorts=cohorts))


def make_pipeline(*others: Source) -> Pipeline:
    skill_set, artifact = default_skills(), of_a_former_trainer()
    made = {each.name: each for each in make_sources(types_of(skill_set), skill_set, artifact)}
    model: Any = made["model"]
    made |= {each.name: each for each in (SharesOfOthers(model), *others)}
    return Pipeline(skill_set, artifact, on_failure=fail_source, sources=list(made.values()))


def controls(number: int, **given: Any) -> bytes:
    return raw("control", minute=float(number), event_id=f"e{number}", **{**CONTROLS, **ENROLLED, **given})


class Scored:
    """A student's records, fed to a pipeline one after the other."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self._replay = pipeline, Replay(pipeline)

    def feed(self, taken: Sequence[FileRecord]) -> SkillUpdate:
        """The update that is published."""
        result = asyncio.run(self._replay.feed(taken))
        return read_update(result.updates[b"ada"])

    @property
    def stored(self) -> bytes:
        [(_, row)] = self._replay.rows.items(0)
        return row

    @property
    def row(self) -> Row:
        return decode_row(self.stored)


TAKEN = records([controls(number) for number in range(4)])


def test_a_row_and_its_update_name_the_norms_that_they_were_scored_under() -> None:
    scored, view = Scored(make_pipeline()), norms()
    scored.pipeline.put_norms(view)

    update = scored.feed(TAKEN)

    assert (update.norms_version, scored.row.norms) == (view.version, view.key)


def test_sources_are_asked_under_the_norms_in_force() -> None:
    scored = Scored(make_pipeline())
    p = []
    for number, view in enumerate([None, norms(0.25), norms(0.75), None]):
        scored.pipeline.put_norms(view)
        skill = scores_of(scored.feed(TAKEN[number : number + 1]))["problem_solving"]
        p.append(skill.contributions["model"].p)

    assert p[1:3] == [0.25, 0.75]
    assert p[0] not in p[1:3]
    assert p[3] not in p[1:3]


def test_rows_and_updates_without_norms_in_force_stay_to_the_byte() -> None:
    taken = records([controls(number, source=None) for number in range(4)])
    never, former = Scored(make_pipeline()), Scored(make_pipeline())
    never.feed(taken[:2])
    former.pipeline.put_norms(norms())
    former.feed(taken[:2])
    former.pipeline.put_norms(None)

    assert former.feed(taken[2:]) == never.feed(taken[2:])
    assert former.stored == never.stored
    assert former.stored[0] < NORMED_VERSION


def test_rows_and_updates_are_the_same_wherever_batches_are_cut() -> None:
    at_once, one_by_one = Scored(make_pipeline()), Scored(make_pipeline())
    for each in (at_once, one_by_one):
        each.pipeline.put_norms(norms(0.25))

    last = [one_by_one.feed(TAKEN[number : number + 1]) for number in range(len(TAKEN))][-1]

    assert at_once.feed(TAKEN) == last
    assert at_once.stored == one_by_one.stored


def test_other_weights_are_scored_by_under_the_same_norms() -> None:
    pipeline, view = make_pipeline(), norms()
    pipeline.put_norms(view)

    scorer = pipeline.scorer_with(Overrides(weights={"problem_solving": {"model": 0.5}}))

    assert scorer.norms is view
    assert scorer.config_version != pipeline.config_version


def test_a_batch_that_is_being_scored_keeps_its_norms() -> None:
    first, second = norms(0.25), norms(0.75)
    behaviour = Interrupted(lambda: pipeline.put_norms(second))
    pipeline = make_pipeline(behaviour)
    pipeline.put_norms(first)
    scored = Scored(pipeline)

    updates = [scored.feed(TAKEN[number : number + 1]) for number in range(2)]

    assert [update.norms_version for update in updates] == [first.version, second.version]
    p = [scores_of(update)["problem_solving"].contributions["model"].p for update in updates]
    assert p == [0.25, 0.75]


def test_an_update_that_is_re_emitted_names_the_norms_then_in_force_and_its_row_stays() -> None:
    scored = Scored(make_pipeline())
    scored.pipeline.put_norms(norms(0.25))
    first = scored.feed(TAKEN)
    before = scored.stored
    scored.pipeline.put_norms(view := norms(0.75))

    again = scored.feed(TAKEN)

    assert (again.seq, again.norms_version) == (first.seq, view.version)
    assert scored.stored == before


OF_MANY: Fields = {"students": 30}


@pytest.mark.parametrize(
    ("enrolled", "cohorts", "is_new"),
    [
        ({"class_id": "7b"}, {}, True),
        ({"course_id": "7b"}, {"class:7b": OF_MANY}, True),
        ({"class_id": "7b"}, {"class:7b": OF_MANY}, UNSET),
        ({"class_id": "7a", "school_id": "7b"}, {"school:7b": OF_MANY}, UNSET),
        ({"school_id": "7b"}, {}, UNSET),
        ({}, {}, UNSET),
    ],
)
def test_a_cohort_is_new_if_the_student_has_a_class_or_course_and_no_norm_serves(
    enrolled: dict[str, str], cohorts: dict[str, Fields], is_new: object
) -> None:
    pipeline, names = make_pipeline(), default_skills().names
    rows = RowBatch.of_rows([folded(event("control", **CONTROLS, **enrolled)), folded(event())], names)
    pipeline.put_norms(norms(cohorts=cohorts))

    ada, bob = updates_about(pipeline, ["ada", "bob"], rows)

    assert ada.new_cohort == is_new
    assert bob.new_cohort is UNSET


def test_no_cohort_is_new_to_sources_that_compare_none() -> None:
    skill_set, artifact = default_skills(), of_a_former_trainer()
    pipeline = Pipeline(skill_set, artifact, on_failure=fail_source)
    pipeline.put_norms(view := norms())

    [update] = updates_about(pipeline, ["ada"], RowBatch.of_rows([folded(event(class_id="7b"))], skill_set.names))

    assert (update.norms_version, update.new_cohort) == (view.version, UNSET)


def test_the_source_named_last_is_noted_in_the_row_and_is_no_part_of_the_update() -> None:
    scored = Scored(make_pipeline())

    update = scored.feed(records([controls(0), controls(1, source="edx"), controls(2, source=None)]))

    assert enrolment_of(scored.row.enrolment) == EnrolmentIds("maths", "7b", None, "edx")
    assert (update.course_id, update.class_id, update.school_id) == ("maths", "7b", UNSET)
    assert scored.stored[0] == NORMED_VERSION

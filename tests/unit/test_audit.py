"""What verify does not take for a fault, and what it cannot judge: partitions as a worker leaves them."""

from collections.abc import Collection

import msgspec
import pytest

from schemas.fusion_config import Overrides
from schemas.update import SkillProfile
from streams.folding.voidable import without_first_answers
from streams.pipeline import Pipeline
from streams.rows.codec import decode_row
from streams.rows.explanations import LastExplanation, explanations_section
from streams.rows.layout import VOIDABLE
from streams.rows.tasks import tasks_of, tasks_section
from streams.scoring.overrides import NO_OVERRIDES, version_of
from streams.verification.rescoring import Rescoring
from streams.vocabulary import skill_code
from tests.artifacts import of_a_former_trainer
from tests.events import default_skills, fail_source, scores_of
from tests.unit.verified import World, a_class, changed, modelled, of, replayed_without, rescored

# -- what is right


def test_what_a_worker_leaves_is_exact_and_every_event_is_counted() -> None:
    verdict = a_class().verify()

    assert verdict.differences == []
    assert (verdict.students, verdict.applied, verdict.left_out) == (6, 60, {})


def test_other_batches_than_the_worker_s_make_no_difference() -> None:
    for batch in (1, 7, 60):
        assert a_class(batch=batch).verify().differences == []


def test_an_update_that_was_made_while_a_source_failed_is_judged_without_it() -> None:
    world = modelled()
    for _ in range(12):
        world.event("ada", "message", text="I checked it step by step and found the pattern.")
        world.event("ada", "control", controls={"a": 1.0, "b": 0.0})
    world.fold(world.input, failing=["language"])

    assert world.last_update("ada").degraded == ["language"]
    assert world.verify().differences == []

    world.say(msgspec.structs.replace(world.last_update("ada"), degraded=[]))
    assert ("ada", "update") in world.verify().kinds, "the very same numbers are wrong where no source failed"


def test_an_indicator_that_is_not_the_replays_is_found() -> None:
    world = a_class()
    last = world.last_update("s2")
    name, profile = next((n, each) for n, each in last.skills.items() if isinstance(each, SkillProfile))
    indicator, rate = next(iter(profile.indicators.items()))
    counted = msgspec.structs.replace(rate, count=rate.count + 1)
    wrong = msgspec.structs.replace(profile, indicators={**profile.indicators, indicator: counted})
    world.say(msgspec.structs.replace(last, skills={**last.skills, name: wrong}))

    assert world.verify().kinds == [("s2", "update")]


def test_an_update_of_the_former_version_is_read_and_its_scores_are_not_ours_to_compare() -> None:
    world = a_class()
    last = msgspec.to_builtins(world.last_update("s2"))
    score = {"score": 0.5, "low": 0.1, "high": 0.9, "confidence": 0.2, "level": "developing", "validated": False}
    former = {**last, "version": 1, "skills": {"empathy": {**score, "contributions": {}}}, "config_version": "former"}
    world.updates.append(world.record(world.updates, "s2", msgspec.json.encode(former)))

    verdict = world.verify()
    assert verdict.differences == []
    assert verdict.other_config == 1


def test_an_update_re_emitted_when_a_source_is_back_does_not_make_the_row_wrong() -> None:
    world = World()
    for _ in range(12):
        world.event("ada", "message", text="It was hard but I kept trying.")
        world.event("ada")
    whole = World(input=world.input)
    whole.fold(world.input)
    world.fold(world.input, failing=["language"])
    world.say(whole.last_update("ada"))

    verdict = world.verify()
    assert verdict.differences == []
    assert verdict.other_sources == 1


def test_when_skills_were_explained_is_no_part_of_what_is_compared() -> None:
    world = a_class()
    explained = explanations_section({skill_code("empathy"): LastExplanation(1, {})})
    world.write("s1", changed(world.rows["s1"], explanations=explained))

    assert world.verify().differences == []


def test_a_row_of_a_former_version_whose_items_have_no_tasks_is_right_and_one_of_another_task_is_not() -> None:
    world = a_class()
    row = world.rows["s1"]
    without = {
        code: msgspec.structs.replace(
            each, evidence_items=[msgspec.structs.replace(item, task=0) for item in each.evidence_items]
        )
        for code, each in row.skills.items()
    }
    world.write("s1", changed(row, skills=without, tasks=b""))
    assert world.verify().differences == []

    wrong = {code: name[::-1] for code, name in tasks_of(row.tasks).items()}
    world.write("s1", changed(row, tasks=tasks_section(wrong)))
    assert world.verify().kinds == [("s1", "state")]


def test_a_row_of_a_former_version_without_first_answers_to_take_back_is_right_and_one_without_facts_is_not() -> None:
    world = a_class()
    world.fold([world.event("s1", voidable=True)])
    row = world.rows["s1"]
    without = without_first_answers(row.voidable)

    assert len(row.voidable) == len(without) + VOIDABLE.itemsize
    world.write("s1", changed(row, voidable=without))
    assert world.verify().differences == []

    world.write("s1", changed(row, voidable=without[VOIDABLE.itemsize :]))
    assert world.verify().kinds == [("s1", "state")]


# -- configurations that were changed while the worker ran


LOUD, LATER = (Overrides(weights={"problem_solving": {"behaviour": weight}}) for weight in (2.5, 1.5))


class Configured:
    """A worker whose configuration changes, and the audit that knows of some of them. Implements Configurations."""

    def __init__(self, *known: Overrides) -> None:
        self._known = {version_of(overrides): overrides for overrides in known}
        artifact = of_a_former_trainer()
        self.pipeline = Pipeline(default_skills(), artifact, on_failure=fail_source)
        rescoring = Rescoring(default_skills(), artifact, configurations=self)
        self.world = World(pipeline_of=lambda _failing: self.pipeline, rescoring=lambda: rescoring)

    def answer(self, *in_force: Overrides) -> None:
        """One more answer, and one more run of a simulation, under each of these."""
        for overrides in in_force:
            self.pipeline.scorer = self.pipeline.scorer_with(overrides)
            run = self.world.event("ada", "control", controls={"a": 1.0, "b": 0.0})
            self.world.fold([run, self.world.event("ada")])

    def find(self, version: str) -> Overrides | None:
        return self._known.get(version)

    def all(self) -> Collection[Overrides]:
        return self._known.values()


@pytest.mark.parametrize("last", [NO_OVERRIDES, LOUD, LATER])
def test_an_update_is_scored_again_under_the_configuration_that_it_names(last: Overrides) -> None:
    worker = Configured(LOUD, LATER)
    worker.answer(NO_OVERRIDES, LOUD, last)
    verdict = worker.world.verify()

    assert (verdict.differences, verdict.left_out, verdict.other_config) == ([], {}, 0)

    score = scores_of(worker.world.last_update("ada"))["problem_solving"].score
    worker.world.say(rescored(worker.world.last_update("ada"), 0.01 if score < 0.5 else -0.01))
    assert worker.world.verify().kinds == [("ada", "update")]


def test_an_update_that_names_a_configuration_that_is_gone_is_not_judged() -> None:
    worker = Configured(LATER)
    worker.answer(LOUD)
    verdict = worker.world.verify()

    assert verdict.differences == []
    assert verdict.left_out == {"their update names a configuration that fusion-config does not hold": 1}


def test_an_update_re_emitted_under_another_configuration_does_not_make_the_row_wrong() -> None:
    worker = Configured(LOUD)
    worker.answer(LOUD, LOUD)
    after_a_crash = Configured(LOUD)
    after_a_crash.answer(NO_OVERRIDES, NO_OVERRIDES)
    worker.world.say(after_a_crash.world.last_update("ada"))
    verdict = worker.world.verify()

    assert (verdict.differences, verdict.left_out) == ([], {})
    assert verdict.other_sources == 1


def test_an_update_of_another_skill_set_is_counted_and_only_its_place_is_judged() -> None:
    world = a_class()
    world.say(msgspec.structs.replace(rescored(world.last_update("s1"), 0.3), config_version="another"))
    verdict = world.verify()
    assert (verdict.differences, verdict.other_config) == ([], 1)

    older = msgspec.structs.replace(world.last_update("s1"), seq=(0, of(world, "s1")[-2]))
    world.say(older)
    assert world.verify().kinds == [("s1", "update")]


def test_rows_that_went_on_while_we_looked_are_judged_where_they_are() -> None:
    world = a_class(events=60, batch=10)

    for cut in (0, 1, 25, 59):
        assert world.verify(cut=cut).differences == []
    world.write("s1", replayed_without(world, "s1", of(world, "s1")[-3]))
    assert world.verify(cut=25).kinds == [("s1", "lost")]


def test_little_memory_makes_more_passes_and_the_same_verdict() -> None:
    world = a_class(students=80, events=400, batch=50)
    world.write("s7", replayed_without(world, "s7", of(world, "s7")[1]))
    world.write("s60", None)
    whole, parts = world.verify(), world.verify(memory_bytes=60_000)

    assert (whole.passes, whole.students, whole.applied) == (1, 80, 400)
    assert parts.passes > 2
    assert parts.kinds == whole.kinds == [("s60", "lost"), ("s7", "lost")]
    assert (parts.students, parts.applied) == (80, 400)


def test_a_table_that_lost_all_rows_is_still_judged_within_memory() -> None:
    world = a_class(students=80, events=400, batch=50)
    world.changelog.clear()
    parts = world.verify(memory_bytes=20_000)

    assert parts.passes > 2
    assert parts.kinds == sorted((f"s{number}", "lost") for number in range(80))
    assert parts.applied == 400


# -- what cannot be judged


def test_students_whose_first_events_are_removed_are_not_judged_and_what_is_certain_still_is() -> None:
    world = a_class(students=6, events=60)
    for _ in range(5):
        world.event("new")
    world.fold(world.input[60:])
    verdict = world.verify(start=20)
    assert verdict.differences == []
    assert verdict.left_out == {"began before what the topic still holds": 6}

    world.write("s1", None)
    world.write("new", replayed_without(world, "new", 62))
    append_an_older_row_of = [record for record in world.changelog if record.key == b"s2"][-2]
    world.write("s2", decode_row(append_an_older_row_of.value or b""))
    delete = world.record(world.updates, "s3", None)
    world.updates.append(delete)
    kinds = world.verify(start=20).kinds
    assert kinds == [("new", "lost"), ("s1", "lost"), ("s2", "stale_row"), ("s3", "update")]
    assert ("s3", "update") not in world.verify(start=20, updates_gone=True).kinds


def test_rows_of_an_adopted_topic_hold_events_of_the_former_one_and_are_not_judged() -> None:
    former = a_class()
    world = World(rows=former.rows, changelog=former.changelog, updates=former.updates, epoch=1)
    for _ in range(4):
        world.event("s1", event_id=f"second-{len(world.input)}")
        world.event("fresh", event_id=f"second-{len(world.input)}")
    world.fold(world.input)

    verdict = world.verify()
    assert verdict.differences == []
    assert verdict.left_out == {"began before what the topic still holds": 6}

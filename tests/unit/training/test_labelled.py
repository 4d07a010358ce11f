"""Predictions at labels are what a worker would have published by then."""

from collections.abc import Sequence

import numpy as np

from schemas.update import SkillScore, read_update
from streams.evaluation.subject import Subject
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import Replay
from streams.scoring.json_columns import SCORE_DIGITS
from streams.training.labelled import UNKNOWN_P, score_moments, subjects
from streams.training.labels import Label, StudentGroups
from streams.training.moments import moments_of
from tests.events import default_skills, fail_source, raw
from tests.unit.training import simulated

SKILL = "problem_solving"
STUDENTS = 120


async def judged(noted: list[bytes], labels: Sequence[Label], counts: Sequence[int] = ()) -> dict[str, Subject]:
    artifact, skill_set = load_artifact("default"), default_skills()
    states, _ = await moments_of(simulated.records(noted), labels, skill_set, counts=counts)
    return subjects(await score_moments(states, skill_set, artifact), skill_set, artifact, StudentGroups())


def some_labels() -> list[Label]:
    columns = [(("school", f"{number % 3}"),) for number in range(STUDENTS)]
    of_all = simulated.labels(students=STUDENTS)
    return [
        Label(one.student, one.skill, one.as_of_us, one.label, more) for one, more in zip(of_all, columns, strict=True)
    ]


async def test_scores_are_those_that_a_replay_publishes() -> None:
    noted = simulated.lines(seed=3, students=STUDENTS)
    predictions = (await judged(noted, some_labels()))[SKILL].predictions
    replay = Replay(Pipeline(default_skills(), load_artifact("default"), on_failure=fail_source))
    published = (await replay.feed(simulated.records(noted))).updates

    for row in range(len(predictions)):
        said = read_update(published[predictions.student[row].encode()]).skills[SKILL]
        assert isinstance(said, SkillScore)
        found = [predictions.p[row], predictions.confidence[row]]
        assert np.round(found, SCORE_DIGITS).tolist() == [said.score, said.confidence]
    assert set(predictions.evidence) == {simulated.ACTIONS}
    assert set(predictions.subgroups["school"]) == {"0", "1", "2"}


async def test_no_later_event_is_in_a_score() -> None:
    noted = simulated.lines(seed=3, students=STUDENTS)
    half = simulated.labels(5.5, STUDENTS)
    early = (await judged(noted, half))[SKILL].predictions
    cut = (await judged(noted[: 6 * STUDENTS], half))[SKILL].predictions

    assert set(early.evidence) == {6}
    assert np.array_equal(early.p, cut.p)


async def test_each_source_is_judged_alone_and_left_out_where_another_is_present() -> None:
    subject = (await judged(simulated.lines(seed=3, students=STUDENTS), some_labels()))[SKILL]

    assert set(subject.predictions.mask) == {"model+behaviour"}
    assert list(subject.sources) == ["model alone", "without model", "behaviour alone", "without behaviour"]
    alone, without = subject.sources["model alone"], subject.sources["without behaviour"]
    assert np.array_equal(alone.predictions.p, without.predictions.p), "with two sources these are the same"
    assert set(alone.predictions.mask) == {"model"}
    assert not np.array_equal(subject.sources["without model"].predictions.p, subject.predictions.p)
    assert list(subject.baselines) == ["constant", "regression", "boosted_trees"]


async def test_a_student_without_a_score_counts_as_one_half_and_is_counted() -> None:
    noted = [raw("session", "ada", minute=0, phase="start")]
    (subject,) = (await judged(noted, [Label("ada", SKILL, simulated.as_of_us(9), 1)])).values()

    assert subject.predictions.p.tolist() == [UNKNOWN_P]
    assert subject.predictions.mask.tolist() == ["none"]
    assert subject.figures["unscored"] == 1


async def test_a_students_several_labels_are_told_apart_and_never_on_both_sides() -> None:
    twice = [*simulated.labels(5.5, STUDENTS), *some_labels()]
    plain = [Label(one.student, one.skill, one.as_of_us, one.label) for one in twice]
    predictions = (await judged(simulated.lines(seed=3, students=STUDENTS), plain))[SKILL].predictions

    assert np.unique(predictions.subgroups["label_number"], return_counts=True)[1].tolist() == [STUDENTS, STUDENTS]
    assert len(np.unique(predictions.student)) == STUDENTS


async def test_students_are_judged_when_they_had_fewer_events_and_those_with_just_as_many_are_among_them() -> None:
    noted = simulated.lines(seed=3, students=STUDENTS)
    fewer = [line for at, line in enumerate(noted) if at % STUDENTS or at < 3 * STUDENTS]  # the first has three events
    subject = (await judged(fewer, simulated.labels(students=STUDENTS), (3, 6)))[SKILL]
    half = (await judged(fewer, simulated.labels(5.5, STUDENTS)))[SKILL].predictions

    assert {name: len(each) for name, each in subject.earlier.items()} == {"3_events": 120, "6_events": 119}
    assert set(subject.earlier["3_events"].evidence) == {3}
    assert sorted(subject.earlier["6_events"].p) == sorted(half.p[half.evidence == 6])
    assert len(subject.predictions) == STUDENTS, "what is judged is still the label's own time"

"""A model speaks of students like those it was trained on: of others it is absent, or not validated."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NativeEvent
from schemas.update import SkillUpdate
from streams.evidence.artifacts import Artifact, load_artifact
from streams.evidence.trained_on import FeatureRange, TrainedOn
from streams.evidence.training_scope import TOLERANCE, EventCount, TrainingScope
from streams.pipeline import Pipeline
from streams.rows.row import Row
from streams.skills.skill_set import Indicator
from streams.vocabulary import Fact
from tests.events import default_skills, event, fail_source, folded, row_batch_of, scores_of, updates_about

SKILL: Final = "problem_solving"
SIMULATIONS: Final = (
    "changed",
    "ended",
    "isolated",
    "reset",
    "sat_down",
    "set_controls",
    "varied_none",
    "varied_one",
    "varied_some",
    "worked",
)


def artifact(trained_on: TrainedOn | None) -> Artifact:
    """The default one, its card saying so of what it was trained on."""
    shipped = load_artifact("default")
    card = msgspec.structs.replace(shipped.card.skills[SKILL], trained_on=trained_on)
    return dataclasses.replace(shipped, card=msgspec.structs.replace(shipped.card, skills={SKILL: card}))


IN_ONE_TASK: Final = TrainedOn(facts=SIMULATIONS, ranges={"ended.n": FeatureRange(0.0, 1.0, missing=False)})


def moves(count: int, begin: float = 0.0) -> list[NativeEvent]:
    """Moves in a simulation, each of one control alone."""
    names = ("top", "central", "bottom")
    return [
        event("control", minute=begin + n, controls={x: float(x == names[n % 3]) for x in names}, changed=1)
        for n in range(count)
    ]


def answers(count: int, begin: float = 0.0, **given: Any) -> list[NativeEvent]:
    return [event("attempt", minute=begin + n, item_id=f"q{n}", **given) for n in range(count)]


def update(events: Sequence[NativeEvent], trained_on: TrainedOn | None = IN_ONE_TASK) -> SkillUpdate:
    """The update about a student who did all that."""
    pipeline = Pipeline(default_skills(), artifact(trained_on), on_failure=fail_source)
    [found] = updates_about(pipeline, ["ada"], row_batch_of(folded(*events)))
    return found


def test_six_good_moves_and_then_fifty_wrong_answers_are_no_score() -> None:
    assert update(moves(6)).skills[SKILL].validated
    assert not scores_of(update([*moves(6), *answers(50, score=0.0)]))


def test_so_it_is_with_the_shipped_model() -> None:
    shipped = load_artifact("default").card.skills[SKILL].trained_on
    if shipped is None:
        pytest.skip("the shipped card is of a former trainer, and does not say what it was trained on")

    assert scores_of(update(moves(6), shipped))[SKILL].validated
    assert not scores_of(update([*moves(6), *answers(50, score=0.0)], shipped))
    assert not scores_of(update(answers(50, score=1.0, hints=5), shipped))


def test_five_hints_on_each_of_fifty_tasks_are_no_score() -> None:
    assert not scores_of(update(answers(50, score=1.0, hints=5)))


def test_a_model_speaks_while_most_of_the_evidence_is_of_the_kind_that_it_was_trained_on() -> None:
    assert scores_of(update([*moves(6), *answers(6, score=0.0)]))[SKILL].contributions["model"].status == "ok"
    assert not scores_of(update([*moves(6), *answers(7, score=0.0)]))


def test_what_speaks_of_no_skill_takes_nothing_from_a_model() -> None:
    logins = [event("session", minute=200 + n, phase="start") for n in range(50)]
    films = [event("media", minute=300 + n) for n in range(50)]

    assert update([*moves(6), *logins, *films]).skills[SKILL].validated


def test_texts_that_a_profile_describes_take_nothing_from_a_model() -> None:
    hedges = Indicator("hedges", ("hedged.sum",), ("words_read.sum",), 0.02, 0.0)
    skill = default_skills().skills[SKILL]
    described = msgspec.structs.replace(skill, indicators=(*skill.indicators, hedges))
    texts = [event("message", minute=50 + n, text="I think that it is perhaps too hot in there") for n in range(20)]

    of_task = TrainingScope(described, ["set_controls.n"], IN_ONE_TASK)

    assert of_task.excludes(row_batch_of(folded(*moves(2), *texts))).tolist() == [False]


def test_answers_of_long_ago_hardly_count_against_a_model() -> None:
    year = 366 * 1440

    assert SKILL in scores_of(update([*answers(50, begin=-year, score=0.0), *moves(6)]))


def test_a_teachers_rating_counts_of_whomever() -> None:
    rated = event("rubric", minute=900, skill=SKILL, rating=0.9)

    found = scores_of(update([*moves(6), *answers(50, score=0.0), rated]))[SKILL]

    assert not found.validated
    assert found.score > 0.5
    assert found.contributions["rubric"].n == pytest.approx(1.0)


def test_a_student_unlike_any_in_training_has_a_score_and_no_level() -> None:
    ends = [event("session", minute=50 + n, phase="end", duration_s=2.0) for n in range(2)]

    once, twice = (scores_of(update([*moves(20), *some]))[SKILL] for some in (ends[:1], ends))

    assert (once.validated, once.level, once.out_of_range) == (True, "proficient", msgspec.UNSET)
    assert (twice.validated, twice.level, twice.out_of_range) == (False, "unknown", True)
    assert twice.contributions["model"].status == "ok"


def test_a_card_of_a_former_trainer_speaks_as_it_did() -> None:
    found = update([*moves(6), *answers(50, score=0.0)], None)

    assert found.skills[SKILL].contributions["model"].status == "ok"


def scope(low: float, high: float, *, missing: bool) -> TrainingScope:
    trained_on = TrainedOn(facts=("attempted",), ranges={"attempted.mean": FeatureRange(low, high, missing)})
    return TrainingScope(default_skills().skills[SKILL], ["attempted.mean", "attempted.n"], trained_on)


def test_a_tenth_of_a_features_range_is_allowed_beyond_either_end() -> None:
    values = np.array([-0.06, -0.04, 0.0, 0.5, 0.54, 0.56])

    found = scope(0.0, 0.5, missing=True).is_beyond(np.column_stack([values, np.full(6, 1e6)]))

    assert found.tolist() == [True, False, False, False, False, True]


def test_an_unknown_feature_is_beyond_training_where_it_was_always_known() -> None:
    unknown = np.array([[np.nan, 1.0]])

    assert scope(0.0, 1.0, missing=False).is_beyond(unknown).tolist() == [True]
    assert scope(0.0, 1.0, missing=True).is_beyond(unknown).tolist() == [False]


@settings(max_examples=20)
@given(st.lists(st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), min_size=2, max_size=2), min_size=1, max_size=8))
def test_nobody_in_training_is_beyond_it(rows: list[list[float]]) -> None:
    matrix, names = np.array(rows), ["attempted.mean", "attempted.n"]

    trained_on = TrainedOn.of(["attempted"], names, matrix)

    assert not TrainingScope(default_skills().skills[SKILL], names, trained_on).is_beyond(matrix).any()
    assert 0 < TOLERANCE < 1


@settings(max_examples=20)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20))
def test_more_of_what_training_saw_never_excludes_a_student(seen: int, unseen: int, more: int) -> None:
    of_task = TrainingScope(default_skills().skills[SKILL], ["set_controls.n"], IN_ONE_TASK)
    rows = [folded(*moves(count), *answers(unseen, score=0.0)) for count in (seen, seen + more)]

    less, with_more = of_task.excludes(row_batch_of(*rows)).tolist()

    assert less or not with_more
    assert less == (unseen > seen)


def test_recent_events_are_the_same_to_the_bit_in_a_batch_of_one_and_of_many() -> None:
    rows = row_batch_of(*(Row() for _ in range(20)))
    rows.facts["recent_n"][...] = np.random.default_rng(1).random(rows.facts["recent_n"].shape) * 100
    events = EventCount(fact for fact in Fact if fact.standing == "event")

    together = events.recent(rows)

    assert [events.recent(rows.take([at]))[0] for at in range(20)] == together.tolist()

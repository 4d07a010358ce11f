"""Behaviour: shrunken rates. Nothing known is no estimate; doing well is never a half."""

from itertools import pairwise

import pytest

from schemas.event import NativeEvent
from streams.evidence.behaviour import BehaviourSource
from streams.evidence.source import EstimateStatus
from tests.artifacts import of_a_former_trainer
from tests.events import default_skills, event, folded, row_batch_of

SOURCE = BehaviourSource(default_skills())


def estimated(skill: str, *taken: NativeEvent) -> tuple[float, float]:
    """(p, n) of a skill, from these events."""
    estimate, column = SOURCE.compute(row_batch_of(folded(*taken))), default_skills().names.index(skill)
    return float(estimate.p[0, column]), float(estimate.n[0, column])


PERFECT = {
    "self_regulation": lambda n: event("submission", minute=n, due="2027-01-01T00:00:00Z"),
    "problem_solving": lambda n: event("attempt", minute=n, item_id=str(n), score=1.0),
    "empathy": lambda n: event("collaboration", minute=n, act="helped"),
}


@pytest.mark.parametrize("skill", PERFECT)
def test_a_perfect_students_rate_nears_one_and_not_a_half(skill: str) -> None:
    p = [estimated(skill, *(PERFECT[skill](n) for n in range(count)))[0] for count in (1, 3, 10, 40, 400)]

    assert p[0] > 0.5
    assert all(less < more for less, more in pairwise(p))
    assert p[-1] > 0.7


def test_handing_everything_in_late_speaks_against() -> None:
    late = [event("submission", minute=n, due="2026-01-01T00:00:00Z") for n in range(20)]

    assert estimated("self_regulation", *late)[0] < 0.35


def test_of_a_student_of_whom_nothing_is_known_nothing_is_said() -> None:
    estimate = SOURCE.compute(row_batch_of(folded(event("session", phase="enrolled"))))

    assert set(estimate.status.flat) == {EstimateStatus.ABSENT}
    assert not estimate.n.any()


def test_a_rating_never_makes_the_evidence_less() -> None:
    taken = [event("collaboration", minute=n, act="helped") for n in range(10)]
    rated = event("rubric", minute=9, skill="empathy", rating=0.5)

    (_, n), (_, with_rating) = estimated("empathy", *taken), estimated("empathy", *taken, rated)

    assert with_rating == pytest.approx(n + 1, rel=0.01)


def test_a_teachers_rating_moves_the_score_its_way() -> None:
    low, high = (estimated("empathy", event("rubric", rating=rating))[0] for rating in (0.1, 0.9))

    assert low < 0.5 < high


def test_old_events_count_less_than_new_ones() -> None:
    year = 366 * 1440
    good = [event("collaboration", minute=-n, act="helped") for n in range(10)]
    bad = [event("collaboration", minute=-n, act="disagreed") for n in range(10)]
    then = [event("collaboration", minute=-year - n, act="helped") for n in range(10)]

    assert estimated("empathy", *then, *bad)[0] == pytest.approx(estimated("empathy", *bad)[0], abs=0.01)
    assert estimated("empathy", *good, *bad)[0] > estimated("empathy", *bad)[0] + 0.1


def test_passing_what_was_failed_before_speaks_for_adaptability() -> None:
    def tries(numbered: bool) -> list[NativeEvent]:
        made = []
        for n in range(10):
            item = {"item_id": f"q{n}"}
            made.append(event(minute=10 * n, score=0.0, **item))
            made.append(event(minute=10 * n + 1, score=1.0, attempt=2 if numbered else 1, **item))
        return made

    assert estimated("adaptability", *tries(numbered=True))[0] > 0.5
    assert estimated("adaptability", *tries(numbered=False)) == pytest.approx(
        estimated("adaptability", *tries(numbered=True))
    )


def test_only_evidence_that_the_model_reads_is_shared_with_it() -> None:
    source = BehaviourSource(default_skills(), of_a_former_trainer())
    varied = [event("control", minute=n, task_id="t", controls={"a": 1.0, "b": 0.0}) for n in range(5)]
    passed = [event("attempt", minute=n, item_id=str(n), score=1.0) for n in range(5)]
    column = default_skills().names.index("problem_solving")

    shared = [
        source.compute(row_batch_of(folded(*taken))).shared[0, column] for taken in (varied, passed, varied + passed)
    ]

    assert shared[0] == 1
    assert shared[1] == 0
    assert 0 < shared[2] < 1

"""The walk through a history: what is known before an answer, and what of it counts."""

import numpy as np

from streams.mastery.counts import AnswerCounts
from tests.events import raw
from tests.unit.training.mastery.quizzes import collected, histories_of, lines, rounds_of


def attempt(minute: float, right: int, student: str = "ada", **given: object) -> bytes:
    return raw(
        "attempt", student, minute=minute, **{"item_id": f"q{minute}", "score": right, "kcs": ["angles"], **given}
    )


def test_the_row_before_an_answer_does_not_know_it() -> None:
    rounds = rounds_of([attempt(0, 1), attempt(1, 0), attempt(2, 1)])

    known = [(float(each.counts.all_wins[0]), float(each.counts.all_fails[0])) for each in rounds]
    assert known == [(0, 0), (1, 0), (1, 1)]
    assert [each.outcome.tolist() for each in rounds] == [[1.0], [0.0], [1.0]]


def test_students_walk_in_step_and_in_the_order_of_times() -> None:
    rounds = rounds_of([attempt(5, 0), attempt(1, 1), attempt(3, 1, "bob")])
    assert [(list(each.student), each.outcome.tolist()) for each in rounds] == [([0, 1], [1.0, 1.0]), ([0], [0.0])]


def test_what_does_not_count_has_no_outcome() -> None:
    first = attempt(0, 1)
    values = [first, first, attempt(2, 1, attempt=2), attempt(3, 1, duration_s=0.5), attempt(4, 1, hints=2)]
    outcomes = [float(each.outcome[0]) for each in rounds_of(values)]

    assert np.isnan(outcomes[1:4]).all(), "a repeat, a second try, a rapid guess"
    assert (outcomes[0], outcomes[4]) == (1.0, 0.0), "help is no right answer"
    assert len(collected(values).answers()) == 2


def test_events_between_answers_are_folded_too() -> None:
    values = [attempt(0, 1), raw("hint", minute=1), raw("message", minute=2), attempt(3, 1)]
    assert [int(each.before.headers["events"][0]) for each in rounds_of(values)] == [0, 3]


def test_a_student_without_components_is_left_out() -> None:
    values = [raw("attempt", "bob", minute=0), raw("hint", "eve", minute=0), attempt(0, 1)]
    assert [history.student for history in histories_of(values).of_students] == ["ada"]


def test_no_more_than_the_first_rounds_are_walked() -> None:
    assert len(rounds_of(lines(students=3, answers=9), most=4)) == 4


def test_answers_have_the_counts_before_them_and_an_item_only_where_there_is_one() -> None:
    values = [
        attempt(0, 1, kcs=["angles", "area", "angles"]),
        attempt(1, 0, item_id="no-item:1", kcs=["area"]),
    ]
    answers = collected(values).answers()

    assert answers.item.tolist() == [0, -1]
    assert answers.owner.tolist() == [0, 0, 1]
    assert [answers.components[at] for at in answers.component] == ["angles", "area", "area"]
    assert answers.wins.tolist() == [0, 0, 1]
    assert answers.all_wins.tolist() == [0, 2], "an answer of two components counts in both"


def test_moments_have_the_mean_of_what_came_later() -> None:
    right = [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1]
    moments = collected([attempt(minute, each) for minute, each in enumerate(right)]).moments()

    assert moments.answered.tolist() == [1, 2, 3], "ten or more come after these"
    assert moments.outcome.tolist() == [float(np.mean(right[after:])) for after in (1, 2, 3)]
    assert isinstance(moments.counts, AnswerCounts)
    assert (moments.counts.all_wins + moments.counts.all_fails).tolist() == [1, 2, 3]

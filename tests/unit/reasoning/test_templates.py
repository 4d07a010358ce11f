"""What templates say of whole classes: as `make bench ONLY=templates` measures it, held in small."""

import pytest

from streams.reasoning.request.prompt import Prompt
from tests.benchmarks.templates import EASY_GRADE, Told
from tests.classes import StudentClass, oulad_class, pisa_class, simulated_class
from tests.shared_data import needs


def told_of(students: StudentClass | None) -> Told:
    assert students is not None
    told, prompt = Told(), Prompt(students.skill_set)
    for update in students.updates:
        told.take(update, prompt)
    return told


def assert_told_well(told: Told) -> None:
    assert told.explanations >= 20
    assert told.repeating == told.vague == told.low_unsaid == 0
    assert told.agreeing == told.clear
    assert all(1 <= length <= 5 for length in told.lengths)
    assert sum(2 <= length <= 4 for length in told.lengths) >= 0.98 * len(told.lengths)
    assert sum(each <= EASY_GRADE for each in told.graded) >= 0.95 * len(told.graded)


def test_a_simulated_class_is_told_without_repeating_in_two_to_four_easy_sentences_a_skill() -> None:
    assert_told_well(told_of(simulated_class(students=20, events=1_200)))


@needs("pisa2012_climate")
def test_scores_of_pisa_are_told_by_facts_that_agree_or_say_that_they_do_not() -> None:
    told = told_of(pisa_class(80))
    assert told.low > 10
    assert_told_well(told)


@needs("oulad")
@pytest.mark.long
def test_scores_of_the_open_university_are_told_by_facts_that_agree_or_say_that_they_do_not() -> None:
    told = told_of(oulad_class(80))
    assert told.low > 10
    assert_told_well(told)

"""Sums over rows: of cohorts and of components, equal to a loop over students, in any order."""

from collections.abc import Sequence
from math import log1p
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.norms.cohorts import cohort, cohorts_named
from streams.norms.measures import MEASURES
from streams.norms.records import find_codes, sum_by_code
from streams.norms.row_sums import MOST_COHORTS, RowSums, sum_rows
from streams.rows.codec import encode_row
from streams.rows.enrolment import EnrolmentIds, enrolment_section
from streams.rows.layout import Array
from streams.rows.row import Row
from streams.vocabulary import Fact
from tests.unit.norms.students import DAY_US, NOW_US, PERIODS, in_course, student, students
from tests.unit.reference_components import unpacked


def of_cohort(sums: RowSums, kind: str, id: str) -> Array:
    at, found = find_codes(sums.cohorts, np.array([cohort(kind, id).code], np.uint64))
    assert found.all()
    record: Array = sums.cohorts[at[0]]
    return record


def measures_by_hand(row: Row) -> dict[str, float]:
    """The measures of a student that are known."""

    def n(*facts: Fact) -> int:
        return sum(row.facts[fact].n for fact in facts if fact in row.facts)

    def total(*facts: Fact) -> float:
        return sum(row.facts[fact].total for fact in facts if fact in row.facts)

    found = {"events": log1p(row.events)}
    if scored := n(Fact.ATTEMPTED, Fact.MARKED):
        found["score"] = total(Fact.ATTEMPTED, Fact.MARKED) / scored
    if due := n(Fact.SUBMITTED, Fact.MISSED):
        found["handed_in"] = n(Fact.SUBMITTED) / due
    if due := n(Fact.MARKED, Fact.MISSED):
        found["mark_of_due"] = total(Fact.MARKED) / due
    if dated := n(Fact.EARLY, Fact.LATE):
        found["early_days"] = min(max((total(Fact.EARLY) - total(Fact.LATE)) / dated, -30), 30)
    if worked := n(Fact.WORKED):
        found["work_time"] = total(Fact.WORKED) / worked
    return found


def whole_thousandths(value: float) -> int:
    return int(np.rint(value * 1000))


@given(st.lists(students, max_size=12))
def test_sums_of_cohorts_equal_a_loop_over_students(rows: Sequence[Row]) -> None:
    sums = sum_rows(map(encode_row, rows), PERIODS)

    named = {each for row in rows if row.events for each in cohorts_named(row.enrolment)}
    assert sums.cohorts["code"].tolist() == sorted(each.code for each in named)
    for record in sums.cohorts:
        mine = [
            row for row in rows if row.events and record["code"] in {each.code for each in cohorts_named(row.enrolment)}
        ]
        there = [row for row in mine if Fact.WITHDREW not in row.facts]
        assert (record["students"], record["withdrew"]) == (len(there), len(mine) - len(there))
        for at, (name, measure) in enumerate(MEASURES.items()):
            values = [found[name] for found in map(measures_by_hand, there) if name in found]
            thousandths = [whole_thousandths(value) for value in values]
            assert record["n"][at] == len(values)
            assert record["total"][at] == sum(thousandths)
            assert record["squares"][at] == sum(each * each for each in thousandths)
            bins = [sum(edge <= value for edge in measure.edges) for value in values]
            assert record["bins"][at].tolist() == [bins.count(bin) for bin in range(len(measure.edges) + 1)]
        assert record["facts"][Fact.ATTEMPTED] == sum(Fact.ATTEMPTED in row.facts for row in there)
        counted = [each for row in there for each in unpacked(row.components).values()]
        assert record["wins"] == sum(each.wins for each in counted)
        assert record["answers"] == sum(each.wins + each.fails for each in counted)
        for exponent, seen in enumerate(record["seen"]):
            assert seen == sum(row.as_of_us > NOW_US - 2**exponent * DAY_US for row in there)


@given(st.lists(students, max_size=12))
def test_sums_of_components_equal_a_loop_over_students(rows: Sequence[Row]) -> None:
    sums = sum_rows(map(encode_row, rows), PERIODS)

    there = [unpacked(row.components) for row in rows if row.events and Fact.WITHDREW not in row.facts]
    assert sums.components["code"].tolist() == sorted({code for held in there for code in held})
    for record in sums.components:
        mine = [held[record["code"]] for held in there if record["code"] in held]
        assert record["name"] == mine[0].name
        assert record["students"] == len(mine)
        assert record["wins"] == sum(each.wins for each in mine)
        assert record["answers"] == sum(each.wins + each.fails for each in mine)
        assert record["seen"][2] == sum(each.newest_s * 10**6 > NOW_US - 4 * DAY_US for each in mine)


@given(st.lists(students, max_size=12), st.randoms(use_true_random=False), st.integers(0, 12))
def test_sums_do_not_depend_on_order_or_on_where_rows_are_cut(rows: Sequence[Row], random: Random, cut: int) -> None:
    stored = list(map(encode_row, rows))
    shuffled = random.sample(stored, len(stored))
    once, added = sum_rows(stored, PERIODS), sum_rows(shuffled[:cut], PERIODS)
    added += sum_rows(shuffled[cut:], PERIODS)

    assert once.cohorts.tobytes() == added.cohorts.tobytes()
    assert once.components.tobytes() == added.components.tobytes()


def test_sums_of_many_rows_are_those_of_all_their_chunks() -> None:
    stored = [in_course(f"course-{number % 7}", number % 11 / 10) for number in range(2_500)]
    sums = sum_rows(stored, PERIODS)

    assert sums.cohorts["students"].sum() == 2_500
    assert of_cohort(sums, "course", "course-0")["students"] == len(range(0, 2_500, 7))


def test_a_tombstone_row_counts_nowhere() -> None:
    erased = Row(erased_us=NOW_US, enrolment=enrolment_section(EnrolmentIds("a")))
    sums = sum_rows([encode_row(erased), in_course("a")], PERIODS)

    assert of_cohort(sums, "course", "a")["students"] == 1


def test_a_row_counts_in_each_cohort_that_it_names() -> None:
    row = student(EnrolmentIds("course", "class", "school", "source"), {Fact.ATTEMPTED: (2, 1.5)})
    sums = sum_rows([encode_row(row)], PERIODS)

    assert sorted(sums.cohorts["name"].tolist()) == [
        b"class:class",
        b"course:course",
        b"school:school",
        b"source:source",
    ]
    assert (sums.cohorts["total"][:, 0] == 750).all()


def test_who_withdrew_is_counted_as_such_and_in_no_measure() -> None:
    row = student(EnrolmentIds("a"), {Fact.ATTEMPTED: (2, 1.5), Fact.WITHDREW: (1, 0.0)}, {b"sets": (1, 1)})
    sums = sum_rows([encode_row(row)], PERIODS)

    record = of_cohort(sums, "course", "a")
    assert [int(record[name]) for name in ("students", "withdrew", "answers")] == [0, 1, 0]
    assert not record["n"].any()
    assert not record["facts"].any()
    assert not len(sums.components)


def test_a_cohort_is_shown_under_a_name_of_whole_characters() -> None:
    assert cohort("course", "ä" * 60).name.decode() == "course:" + "ä" * 28


def test_more_cohorts_than_the_bound_leave_out_those_with_fewest_students() -> None:
    beyond = 5
    stored = [in_course(f"c{number}") for number in range(MOST_COHORTS + beyond)] + [in_course("large")] * 2
    sums = sum_rows(stored, PERIODS)

    assert len(sums.cohorts) == MOST_COHORTS
    assert sums.left_out == beyond + 1
    assert of_cohort(sums, "course", "large")["students"] == 2


def test_one_code_under_two_names_has_the_lesser_in_any_order() -> None:
    sums = sum_rows([in_course("a"), in_course("b")], PERIODS).cohorts
    sums["code"] = 1

    assert sum_by_code(sums)["name"].tolist() == sum_by_code(sums[::-1])["name"].tolist() == [b"course:a"]

"""Sums by item: exact, the same in whichever bulks they are added, and never of more items than there is room for."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.norms.bounded_sums import BoundedSums
from streams.norms.first_answers import NamedItem
from streams.norms.item_sums import ItemSums
from streams.norms.journal_entry import JournalEntry
from streams.norms.journal_keys import PAGES
from streams.norms.layout import RIGHT, WORK, WRONG, pack_answer
from tests.unit.norms.reference_sums import answers, as_plain, reference_of, totals_of

PACKED = st.builds(
    pack_answer,
    st.sampled_from([WORK, WRONG, RIGHT]),
    st.none() | st.floats(0, 1),
    st.none() | st.floats(0, 1e9),
    st.none() | st.floats(-1e7, 1e7),
)


def entries_of(items: int, students: int, most: int = 60) -> st.SearchStrategy[list[JournalEntry]]:
    """Entries about so many items and students."""
    answer = st.tuples(
        st.integers(0, items - 1), PACKED, st.integers(0, students - 1), st.sampled_from([1, 1, 1, 1, -1])
    )
    said = st.lists(answer, max_size=most).map(lambda each: answers(*each))
    return st.lists(st.builds(JournalEntry, st.integers(-5, 2**33), said, st.just(())), min_size=1, max_size=8)


def sums_in_bulks(entries: Sequence[JournalEntry], cuts: Sequence[int], into: ItemSums | BoundedSums) -> None:
    """Add entries in bulks that end at these cuts."""
    bounds = sorted({0, len(entries), *(cut % (len(entries) + 1) for cut in cuts)})
    for start, end in pairwise(bounds):
        into.add(entries[start:end])


def clipped(entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    return [each._replace(time_s=min(max(each.time_s, 0), 2**32 - 1)) for each in entries]


@given(entries_of(items=3, students=14), st.lists(st.integers(0, 8)))
def test_sums_are_those_of_a_loop_wherever_bulks_are_cut(entries: list[JournalEntry], cuts: list[int]) -> None:
    sums = ItemSums()
    sums_in_bulks(entries, cuts, sums)

    reference = reference_of(clipped(entries))
    assert as_plain(sums) == totals_of(reference)
    for record in sums.records:
        filled = min(int(record["turn"]), 9)
        assert sorted(record["recent"][:filled].tolist()) == sorted(reference[int(record["item"])].recent)


def test_ten_steps_of_students_are_ten_students() -> None:
    generator = np.random.default_rng(7)
    for students in (9, 10, 11, 30):
        codes = generator.integers(0, students, 4_000).tolist()
        entry = JournalEntry(1, answers(*((5, 0, code, 1) for code in codes)))
        steps = reference_of([entry])[5].steps
        sums = ItemSums()
        sums.add([entry])

        assert all(len(set(steps[at : at + 10])) == 10 for at in range(len(steps) - 9))
        assert as_plain(sums)[5]["students"] == len(steps)


def test_one_student_ten_times_is_one() -> None:
    sums = ItemSums()
    for _ in range(10):
        sums.add([JournalEntry(1, answers((5, 0, 77, 1)))])

    assert as_plain(sums)[5]["students"] == 1


def test_a_void_takes_back_to_the_bit_what_was_added() -> None:
    said = pack_answer(RIGHT, 0.333, 17.0, 86_400.0)
    sums = ItemSums()
    sums.add([JournalEntry(3, answers((5, said, 1, 1)))])
    sums.add([JournalEntry(3, answers((5, said, 1, -1)))])

    assert {name for name, total in as_plain(sums)[5].items() if total} == {"newest_s"}


def test_voids_of_what_was_never_counted_add_up_below_nothing() -> None:
    said = pack_answer(RIGHT, 0.5)
    sums = ItemSums()
    sums.add([JournalEntry(3, answers((5, said, 1, -1)))])
    sums.add([JournalEntry(3, answers((5, said, 2, 1), (5, said, 3, 1)))])

    totals = as_plain(sums)[5]
    assert (totals["answers"], totals["score"], totals["students"]) == (1, 500, 1)


def test_an_item_keeps_its_first_name_and_the_range_of_its_courses() -> None:
    sums = ItemSums()
    for course, component, name in ((0, 0, "fractions"), (9, 4, "renamed"), (3, 6, "again"), (5, 0, "")):
        sums.add([JournalEntry(1, answers((5, 0, 1, 1)), [NamedItem(5, course, component, name)])])

    [record] = sums.records
    assert (record["course_low"], record["course_high"], record["component"]) == (3, 9, 4)
    assert sums.names_by_item() == {5: b"fractions"}


def test_a_long_name_is_cut_between_characters() -> None:
    sums = ItemSums()
    sums.add([JournalEntry(1, answers((5, 0, 1, 1)), [NamedItem(5, 0, 0, "ä" * 31 + "x" + "ä" * 9)])])

    assert sums.names_by_item() == {5: ("ä" * 31 + "x").encode()}


# -- bounds


@given(entries_of(items=8 * PAGES, students=3), st.lists(st.integers(0, 8)))
def test_where_there_is_room_bounds_change_nothing(entries: list[JournalEntry], cuts: list[int]) -> None:
    bounded, sums = BoundedSums(8 * PAGES), ItemSums()
    sums_in_bulks(entries, cuts, bounded)
    sums.add(entries)

    assert bounded.sums.records.tobytes() == sums.records.tobytes()
    assert not bounded.given_up.any()


@settings(max_examples=20)
@given(st.lists(entries_of(items=8 * PAGES, students=3), min_size=1, max_size=3))
def test_pages_know_nothing_of_one_another(bulks: list[list[JournalEntry]]) -> None:
    whole = BoundedSums(2 * PAGES)
    by_page = [BoundedSums(2 * PAGES) for _ in range(PAGES)]
    for entries in bulks:
        whole.add(entries)
        for page, bounded in enumerate(by_page):
            bounded.add([each.of_pages(np.arange(PAGES) == page) for each in entries])

    for page, bounded in enumerate(by_page):
        assert whole.page(page).records.tobytes() == bounded.sums.records.tobytes()
        assert whole.given_up[page] == bounded.given_up.sum()
        assert len(bounded.sums) <= 2


def on_one_page(*numbers: int) -> list[int]:
    """Items of page 1."""
    return [1 + PAGES * number for number in numbers]


def test_the_item_of_one_student_whose_answer_is_oldest_is_displaced() -> None:
    bounded = BoundedSums(3 * PAGES)
    old, older, twice, new = on_one_page(1, 2, 3, 4)
    bounded.add([JournalEntry(1, answers((twice, 0, 1, 1), (twice, 0, 2, 1)))])
    bounded.add([JournalEntry(2, answers((older, 0, 1, 1)))])
    bounded.add([JournalEntry(3, answers((old, 0, 1, 1)))])
    bounded.add([JournalEntry(4, answers((new, 0, 1, 1)))])

    assert sorted(as_plain(bounded.sums)) == [old, twice, new]
    assert bounded.given_up.sum() == 1


def test_an_item_is_not_counted_where_no_other_may_be_displaced() -> None:
    bounded = BoundedSums(PAGES)
    first, second = on_one_page(1, 2)
    bounded.add([JournalEntry(1, answers((first, 0, 1, 1), (first, 0, 2, 1)))])
    bounded.add([JournalEntry(2, answers((second, 0, 1, 1)))])

    assert sorted(as_plain(bounded.sums)) == [first]
    assert bounded.given_up.sum() == 1


def test_one_id_an_event_displaces_no_item_of_two_students() -> None:
    bounded = BoundedSums(4 * PAGES)
    real = range(2 * PAGES)
    bounded.add([JournalEntry(1, answers(*((item, 0, student, 1) for item in real for student in (1, 2))))])
    before = as_plain(bounded.sums)
    for step in range(20):
        garbage = range(10_000 + 500 * step, 10_500 + 500 * step)
        bounded.add([JournalEntry(2 + step, answers(*((item, 0, 9, 1) for item in garbage)))])

    after = as_plain(bounded.sums)
    assert {item: after[item] for item in real} == before
    assert len(after) == 4 * PAGES


def test_of_items_that_are_new_at_once_those_with_most_answers_find_room() -> None:
    bounded = BoundedSums(PAGES)
    first, second = on_one_page(1, 2)
    bounded.add([JournalEntry(1, answers((first, 0, 1, 1), (second, 0, 1, 1), (second, 0, 2, 1)))])

    assert sorted(as_plain(bounded.sums)) == [second]

"""Students erased up to offsets: there is one right row, and verify says what is wrong with any other."""

from random import Random

import pytest

from streams.rows.erasure import RowErasure, erasure_section
from streams.rows.row import Row
from streams.verification.erased import LAST_RECORDS
from streams.verification.report import ErasuresReport
from tests.unit.verified import World, a_class, changed, of, without


@pytest.mark.parametrize("memory_bytes", [1 << 30, 2_000])
def test_whenever_an_acceptance_is_carried_out_the_row_is_right(memory_bytes: int) -> None:
    for seed in range(8):
        rng, world = Random(seed), World()
        for number in range(60):
            world.event("ada" if number % 2 else "bo", event_id=f"e{rng.randrange(50)}")
        accepted, carried_out = rng.randrange(1, 60), rng.randrange(1, 60)
        for begin in range(0, 60, 5):
            if begin <= carried_out < begin + 5:
                world.erase("ada", accepted, begin)
            world.fold(world.input[begin : begin + 5])

        verdict = world.verify(memory_bytes=memory_bytes)
        assert verdict.differences == [], f"seed {seed}: up to {accepted}, carried out at {carried_out}"
        assert verdict.left_out == {}


def test_more_events_since_than_are_kept_of_a_student_are_compared_all_the_same() -> None:
    world = World()
    for _ in range(5):
        world.event("ada")
    world.fold(world.input)
    world.erase("ada")
    since = [world.event("ada") for _ in range(LAST_RECORDS + 10)]
    world.fold(since)

    assert (world.verify().differences, world.verify().left_out) == ([], {})


def test_what_counts_and_is_not_in_the_row_is_lost_and_what_does_not_is_too_much() -> None:
    world = a_class(students=2, events=60)
    world.erase("s1")
    since = [world.event("s1") for _ in range(6)]
    assert world.verify().kinds == [("s1", "lost")]

    world.fold(without(since, since[2].offset))
    assert world.verify().kinds == [("s1", "lost")]

    other = a_class(students=2, events=60)
    full = other.rows["s1"]
    other.erase("s1")
    other.write("s1", changed(full, erased_us=other.rows["s1"].erased_us, erasure=other.rows["s1"].erasure))
    assert other.verify().kinds == [("s1", "double_applied"), ("s1", "update")]


def test_what_is_left_of_the_erased_is_found() -> None:
    for leave, kind in {"update": "update", "explanation": "reasoning", "older row": "stale_row"}.items():
        world = a_class()
        full, update = world.rows["s1"], world.last_update("s1")
        world.erase("s1")
        if leave == "update":
            world.say(update)
        elif leave == "explanation":
            world.explain("s1", of(world, "s1")[-1])
        else:
            world.write("s1", full)

        assert world.verify().kinds == [("s1", kind)], leave


def test_an_acceptance_that_was_not_carried_out_is_found_and_one_that_never_was() -> None:
    world = a_class()
    world.accepted[b"s1"] = RowErasure((5,), ((0, 0, 1),))
    assert world.verify().kinds == [("s1", "state")]

    world = a_class()
    world.erase("s1")
    known = world.accepted[b"s1"]
    world.write("s1", changed(world.rows["s1"], erasure=erasure_section(known.with_end(0, 10_000))))
    assert world.verify().kinds == [("s1", "state")]
    world.write("s1", Row(erased_us=world.rows["s1"].erased_us, erasure=erasure_section(RowErasure((1,)))))
    assert world.verify().kinds == [("s1", "state")]


@pytest.mark.parametrize("memory_bytes", [1 << 30, 2_000])
def test_who_asked_is_counted_and_who_is_not_erased_yet(memory_bytes: int) -> None:
    world = a_class()
    for student in ("s0", "s1", "s2"):
        world.erase(student)
    world.fold([world.event("s2")])
    world.accepted[b"s3"] = world.accepted[b"s1"]

    assert world.verify(memory_bytes=memory_bytes).erasures == ErasuresReport(students=4, not_done=1)


def test_a_tombstone_row_that_is_missing_is_lost_though_nothing_else_is_known_of_the_student() -> None:
    world = a_class()
    world.accepted[b"never seen"] = RowErasure((5,), ((0, 0, 1),))

    verdict = world.verify()
    assert verdict.kinds == [("never seen", "lost")]
    assert verdict.erasures == ErasuresReport(students=1, not_done=1)


def test_an_explanation_of_before_is_found_though_the_student_came_back() -> None:
    world = a_class()
    before = of(world, "s1")[-1]
    world.erase("s1")
    since = world.event("s1")
    world.fold([since])
    world.explain("s1", since.offset)
    assert world.verify().differences == []

    world.explain("s1", before)
    assert world.verify().kinds == [("s1", "reasoning")]
    assert world.verify(cut=since.offset).kinds == [("s1", "reasoning")], "where its row is beyond what is judged, too"

"""Students who asked to be erased: their rows are right whenever it was done, and what is left of them is found."""

from random import Random

from streams.rows.row import Row
from streams.verification.erased import LAST_RECORDS
from tests.unit.verified import World, a_class, at_us, changed, of, without


def test_whenever_a_request_was_carried_out_the_row_is_right() -> None:
    for seed in range(12):
        rng = Random(seed)
        world = World()
        for number in range(60):
            world.event("ada" if number % 2 else "bo", event_id=f"e{rng.randrange(50)}")
        asked, carried_out = rng.randrange(5, 40), rng.randrange(1, 60)
        for begin in range(0, 60, 5):
            if begin <= carried_out < begin + 5:
                world.forget("ada", at_us(world.input[asked]))
            world.fold(world.input[begin : begin + 5])

        assert world.verify().differences == [], f"seed {seed}: asked at {asked}, carried out at {carried_out}"


def test_a_tombstone_is_right_and_one_that_lacks_later_events_is_not() -> None:
    world = a_class()
    world.forget("s1", at_us(world.input[-1]))
    world.forget("unknown", at_us(world.input[-1]))
    assert world.verify().differences == []

    world.event("s1")
    assert world.verify().kinds == [("s1", "lost")]


def test_what_is_left_of_the_erased_is_found() -> None:
    for leave, kind in {
        "row": "stale_row",
        "update": "update",
        "explanation": "reasoning",
        "older row": "stale_row",
        "request": "state",
    }.items():
        world = a_class()
        full, update = world.rows["s1"], world.last_update("s1")
        world.forget("s1", at_us(world.input[-1]))
        if leave == "row":
            world.write("s1", changed(full, erased_us=at_us(world.input[-1])))
        elif leave == "update":
            world.say(update)
        elif leave == "explanation":
            world.explain("s1", of(world, "s1")[-1])
        elif leave == "older row":
            world.write("s1", full)
            world.say(update)
        else:
            world.requests[b"s1"] += 60_000_000

        assert world.verify().kinds == [("s1", kind)], leave


def test_a_row_of_the_erased_that_lost_an_event_since_is_found() -> None:
    world = a_class(students=2, events=60)
    asked = at_us(world.input[30])
    world.forget("s1", asked)
    row = Row(offset=world.rows["s1"].offset, erased_us=asked)
    world.rows["s1"] = row
    later = [world.event("s1") for _ in range(6)]
    world.fold(without(later, later[2].offset))

    assert world.verify().kinds == [("s1", "state")]
    assert LAST_RECORDS >= 100

"""What one tenant may have under way at the gateway, and how many events a second it may send."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.config.tenants import Tenant
from agents.gateway.rates import EventRates
from agents.gateway.refusal import NotTaken
from agents.gateway.room import RequestRoom, Room
from streams.input.tenancy import ONE_TENANT

_TURNS = 200


def filled(room: Room, tenants: list[str]) -> dict[str, int]:
    """What each holds when all of them have taken, in turn, as much as they were given."""
    for _ in range(_TURNS):
        for tenant in tenants:
            room.take(tenant, 1)
    return dict(room.held)


def test_one_that_floods_leaves_a_quarter_and_who_comes_next_finds_room() -> None:
    room = Room(100, shared=True)

    assert filled(room, ["flood"]) == {"flood": room.most} == {"flood": 75}
    assert room.take("next", 10)
    assert not room.take("flood", 1)


def test_several_that_flood_come_to_the_same() -> None:
    assert filled(Room(70, shared=True), ["a", "b"]) == {"a": 30, "b": 30}


def test_one_tenant_has_the_room_to_itself() -> None:
    assert filled(Room(100, shared=False), ["only"]) == {"only": 100}


def test_who_holds_nothing_may_take_the_last_of_it() -> None:
    assert Room(1, shared=True).take("a", 1)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-40, 40)), max_size=40))
def test_it_never_gives_more_than_it_has_and_forgets_who_gave_all_back(moves: list[tuple[str, int]]) -> None:
    room, held = Room(100, shared=True), dict.fromkeys("abc", 0)
    for tenant, amount in moves:
        if amount > 0 and room.take(tenant, amount):
            held[tenant] += amount
        elif amount <= 0:
            back = min(held[tenant], -amount)
            room.give_back(tenant, back)
            held[tenant] -= back
        assert room.used == sum(held.values()) <= 100
        assert room.held == {name: amount for name, amount in held.items() if amount}


def test_what_can_never_find_room_is_too_large_and_what_finds_none_now_may_come_again() -> None:
    room = RequestRoom(10, 100, tenants=2)
    with room.share("north") as share, pytest.raises(NotTaken) as refused:
        share.grow(76)
    assert (refused.value.status, refused.value.headers) == (413, {})

    with room.share("north") as first, room.share("north") as second:
        first.grow(70)
        with pytest.raises(NotTaken) as refused:
            second.grow(6)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
    assert (room.size_bytes.used, room.size_bytes.held) == (0, {})


def test_requests_under_way_leave_a_quarter_though_there_is_one_tenant() -> None:
    room = RequestRoom(8, 100, tenants=1)
    with ExitStack() as stack:
        for _ in range(6):
            stack.enter_context(room.share("only"))
        with pytest.raises(NotTaken), room.share("only"):
            pass
    with room.share("only"):
        pass


def test_a_tenant_sends_as_many_events_a_second_as_its_file_says() -> None:
    now_s = [100.0]
    rates = EventRates(lambda: now_s[0])
    slow = Tenant("slow", "", ONE_TENANT, events_per_second=10)
    free = Tenant("free", "", ONE_TENANT)

    rates.take(slow, 35)
    rates.take(free, 1_000_000)
    rates.take(free, 1)
    with pytest.raises(NotTaken) as refused:
        rates.take(slow, 0)
    found = refused.value
    assert (found.status, found.outcome, found.headers) == (429, "rate", {"Retry-After": "3"})

    now_s[0] += 3
    rates.take(slow, 1)
    now_s[0] += 1_000
    for _ in range(10):
        rates.take(slow, 1)
    with pytest.raises(NotTaken):
        rates.take(slow, 1)

"""One suite, two places: what is promised of kept answers holds in memory and in Redis alike; garbage is a miss."""

from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from streams.limits.redis import connect
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.shared.answer_cache import MAX_ANSWER_BYTES, AnswerCache, CachedAnswer, MemoryAnswerCache
from streams.reasoning.shared.redis_answer_cache import RedisAnswerCache
from tests.contract.limiters import client, prefix
from tests.unit.limits.clock import ManualClock

__all__ = ["client", "prefix"]
MOST = 3
TTL_S = 60.0
Make = Callable[[ManualClock], AnswerCache]


def answer(text: str) -> CachedAnswer:
    claim = DraftClaim(text=text, evidence=["e1"], direction="up")
    return CachedAnswer(model="m", draft=Draft(skills=[DraftSkill(skill="s", claims=[claim])]))


@pytest.fixture
def evicted() -> list[int]:
    return []


@pytest.fixture
def in_redis(client: Redis, prefix: str, evicted: list[int]) -> Make:
    numbers = count()

    def make(clock: ManualClock) -> RedisAnswerCache:
        own = f"{prefix}-{next(numbers)}"
        return RedisAnswerCache(client, MOST, TTL_S, prefix=own, evicted=evicted.append, clock_us=clock)

    return make


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest, evicted: list[int]) -> Make:
    if request.param == "memory":
        return lambda clock: MemoryAnswerCache(MOST, TTL_S, evicted=evicted.append, clock_us=clock)
    chosen: Make = request.getfixturevalue("in_redis")
    return chosen


async def test_what_is_kept_is_found_and_the_later_one_counts(make: Make) -> None:
    answers = make(ManualClock())
    await answers.keep("a", answer("first"))
    await answers.keep("a", answer("second"))
    assert await answers.find("a") == answer("second")
    assert await answers.find("b") is None


async def test_it_is_found_for_its_time_and_no_longer(make: Make) -> None:
    clock = ManualClock()
    answers = make(clock)
    await answers.keep("a", answer("kept"))
    clock.advance(seconds=TTL_S, us=-1)
    assert await answers.find("a") is not None
    clock.advance(us=1)
    assert await answers.find("a") is None


async def test_of_too_many_the_one_goes_that_was_not_used_for_longest(make: Make, evicted: list[int]) -> None:
    clock = ManualClock()
    answers = make(clock)
    for name in ("a", "b", "c"):
        await answers.keep(name, answer(name))
        clock.advance(us=1)
    await answers.find("a")
    clock.advance(us=1)
    await answers.keep("d", answer("d"))
    assert [name for name in "abcd" if await answers.find(name) is not None] == ["a", "c", "d"]
    assert evicted == [1]


async def test_one_that_is_too_long_is_not_kept(make: Make) -> None:
    answers = make(ManualClock())
    await answers.keep("a", answer("x" * MAX_ANSWER_BYTES))
    assert await answers.find("a") is None


steps = st.tuples(st.sampled_from("abcde"), st.booleans(), st.integers(1, 30))


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=25))
async def test_both_places_answer_alike(in_redis: Make, taken: list[tuple[str, bool, int]]) -> None:
    clock = ManualClock()
    places: list[AnswerCache] = [MemoryAnswerCache(MOST, TTL_S, clock_us=clock), in_redis(clock)]
    for number, (name, keeps, seconds) in enumerate(taken):
        clock.advance(seconds=seconds)
        if keeps:
            for place in places:
                await place.keep(name, answer(str(number)))
        else:
            here, there = [await place.find(name) for place in places]
            assert here == there


GARBAGE: list[Callable[[Redis, str, str], Awaitable[object]]] = [
    lambda redis, answers, used: redis.set(answers, "text"),
    lambda redis, answers, used: redis.set(used, "text"),
    lambda redis, answers, used: redis.delete(used),
    lambda redis, answers, used: redis.hset(answers, "a", ""),
    lambda redis, answers, used: redis.hset(answers, "a", "no time"),
    lambda redis, answers, used: redis.hset(answers, "a", "99999999999999999999 {}"),
    lambda redis, answers, used: redis.hset(answers, "a", "1800000000000000 \xff\xfe"),
    lambda redis, answers, used: redis.hset(answers, "a", '1800000000000000 {"model":1}'),
    lambda redis, answers, used: redis.hset(answers, "a", "1800000000000000 " + "[" * 15_000),
    lambda redis, answers, used: redis.hset(answers, "a", "1800000000000000 " + " " * 1_000_000),
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_is_a_miss_and_what_is_kept_after_it_is_found(
    client: Redis, prefix: str, garbage: Callable[[Redis, str, str], Awaitable[object]]
) -> None:
    answers = RedisAnswerCache(client, MOST, TTL_S, prefix=prefix, clock_us=ManualClock())
    await answers.keep("a", answer("kept"))
    await garbage(client, *answers.keys)
    assert await answers.find("a") in (None, answer("kept"))
    await answers.keep("a", answer("again"))
    await answers.keep("b", answer("another"))
    assert await answers.find("b") == answer("another")


async def test_names_that_the_order_lost_do_not_stay_for_ever(client: Redis, prefix: str) -> None:
    answers = RedisAnswerCache(client, MOST, TTL_S, prefix=prefix)
    for number in range(3):
        await answers.keep(f"old{number}", answer("old"))
    await client.delete(answers.keys[1])
    for number in range(2):
        await answers.keep(f"new{number}", answer("new"))
    assert await client.hlen(answers.keys[0]) <= MOST
    assert 0 < await client.pttl(answers.keys[0]) <= TTL_S * 1000


async def test_without_redis_nothing_is_found_and_nothing_fails() -> None:
    answers = RedisAnswerCache(connect("redis://127.0.0.1:1/0"), MOST, TTL_S)
    await answers.keep("a", answer("kept"))
    assert await answers.find("a") is None
    await answers.aclose()

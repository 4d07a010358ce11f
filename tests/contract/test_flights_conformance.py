"""One suite, two places: calls under way are the same to workers of one process and to those who share Redis."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from streams.limits.redis import connect
from streams.reasoning.shared.flights import CallNote, Flights, MemoryFlights
from streams.reasoning.shared.keyed_hash import KeyedHash
from streams.reasoning.shared.redis_flights import RedisFlights
from tests.contract.limiters import client, prefix

__all__ = ["client", "prefix"]
LONGEST_S = 100.0
NEVER = (0, -1)
HASH = KeyedHash("secret")


@pytest.fixture
def in_redis(client: Redis, prefix: str) -> tuple[Flights, Flights]:
    return RedisFlights(client, HASH, LONGEST_S, prefix=prefix), RedisFlights(client, HASH, LONGEST_S, prefix=prefix)


@pytest.fixture(params=["memory", "redis"])
def workers(request: pytest.FixtureRequest) -> tuple[Flights, Flights]:
    if request.param == "memory":
        noted: dict[bytes, CallNote] = {}
        return MemoryFlights(LONGEST_S, noted=noted), MemoryFlights(LONGEST_S, noted=noted)
    chosen: tuple[Flights, Flights] = request.getfixturevalue("in_redis")
    return chosen


async def test_a_call_under_way_is_made_by_no_other_worker(workers: tuple[Flights, Flights]) -> None:
    one, other = workers
    assert await one.begin(b"ada", (0, 7), NEVER) == 0
    assert 0 < await other.begin(b"ada", (0, 7), NEVER) <= LONGEST_S
    assert 0 < await other.begin(b"ada", (0, 9), NEVER) <= LONGEST_S, "though the student has moved on"
    assert await other.begin(b"bob", (0, 7), NEVER) == 0


async def test_its_own_worker_may_make_it_again(workers: tuple[Flights, Flights]) -> None:
    one, other = workers
    await one.begin(b"ada", (0, 7), NEVER)
    assert await one.begin(b"ada", (0, 8), NEVER) == 0
    assert await other.begin(b"ada", (0, 8), (0, 7)) > 0


@pytest.mark.parametrize(
    ("seq", "explained", "is_over"),
    [((0, 7), (0, 7), True), ((0, 7), (0, 6), False), ((0, 7), (1, 0), True), ((1, 0), (0, 9), False)],
)
async def test_it_is_over_when_its_result_is_read_back(
    workers: tuple[Flights, Flights], seq: tuple[int, int], explained: tuple[int, int], is_over: bool
) -> None:
    one, other = workers
    await one.begin(b"ada", seq, NEVER)
    assert (await other.begin(b"ada", (1, 99), explained) == 0) is is_over


async def test_who_took_a_note_back_leaves_the_call_to_anybody(workers: tuple[Flights, Flights]) -> None:
    one, other = workers
    await one.begin(b"ada", (0, 7), NEVER)
    await other.end(b"ada")
    assert await other.begin(b"ada", (0, 7), NEVER) > 0, "a note of another worker stays"
    await one.end(b"ada")
    assert await other.begin(b"ada", (0, 7), NEVER) == 0
    await one.end(b"ada")
    assert await one.begin(b"ada", (0, 7), NEVER) > 0


async def test_a_note_ends_by_itself(client: Redis, prefix: str) -> None:
    now_us, noted = [0], dict[bytes, CallNote]()
    one, other = (MemoryFlights(LONGEST_S, noted=noted, clock_us=lambda: now_us[0]) for _ in range(2))
    await one.begin(b"ada", (0, 7), NEVER)
    now_us[0] = round(LONGEST_S * 1e6)
    assert await other.begin(b"bob", (0, 7), NEVER) == 0
    assert list(noted) == [b"bob"]
    in_redis = RedisFlights(client, HASH, LONGEST_S, prefix=prefix)
    await in_redis.begin(b"ada", (0, 7), NEVER)
    assert 0 < await client.pttl(in_redis.key(b"ada")) <= LONGEST_S * 1e3


GARBAGE: list[Callable[[Redis, str], Awaitable[object]]] = [
    lambda redis, key: redis.set(key, "text"),
    lambda redis, key: redis.set(key, b"\xff\xfe 1 2"),
    lambda redis, key: redis.set(key, "abc 99 99"),  # without an end
    lambda redis, key: redis.set(key, "abc 99 99", px=10**12),
    lambda redis, key: redis.hset(key, "a", "b"),
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_holds_nobody_up(
    client: Redis, prefix: str, garbage: Callable[[Redis, str], Awaitable[object]]
) -> None:
    flights = RedisFlights(client, HASH, LONGEST_S, prefix=prefix)
    await garbage(client, flights.key(b"ada"))
    await flights.end(b"ada")
    assert await flights.begin(b"ada", (0, 7), NEVER) == 0


async def test_no_student_is_named_in_redis(client: Redis, prefix: str) -> None:
    flights = RedisFlights(client, HASH, LONGEST_S, prefix=prefix)
    await flights.begin(b"ada-canary", (0, 7), NEVER)
    keys = [key async for key in client.scan_iter(f"{prefix}*")]
    assert len(keys) == 1
    assert b"canary" not in keys[0] + (await client.get(keys[0]) or b"")
    assert RedisFlights(client, KeyedHash("other"), LONGEST_S, prefix=prefix).key(b"ada-canary") != keys[0].decode()


async def test_without_redis_every_worker_makes_its_calls() -> None:
    flights = RedisFlights(connect("redis://127.0.0.1:1/0"), HASH, LONGEST_S)
    assert await flights.begin(b"ada", (0, 7), NEVER) == 0
    await flights.end(b"ada")
    await flights.aclose()

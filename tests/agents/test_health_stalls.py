"""When a worker counts as stalled, and what comes of it: asked over HTTP, as a supervisor does."""

import asyncio

from agents.health import Stalled
from agents.kafka.offsets import Offsets
from tests.agents.situation import TOPIC, Situation, all_of, get, seen, statuses

__all__ = ["seen"]


async def test_an_agent_that_stalls_fails_its_liveness(seen: Situation) -> None:
    seen.offsets[TOPIC, 1] = Offsets(0, 9, 5)
    await seen.pass_time(60)
    assert await statuses(seen) == all_of(200)
    await seen.pass_time(1)

    assert await statuses(seen) == all_of(503)
    _, body = await get(seen, "/health")
    assert isinstance(body["problems"], dict)
    assert body["problems"]["agents"] == "stalled: no progress for 60 s on partition 1, with records waiting"


async def test_slow_is_not_stalled(seen: Situation) -> None:
    for second in range(300):
        seen.offsets[TOPIC, 1] = Offsets(0, 1_000, 5 + second // 50)
        await seen.pass_time(1)

    assert seen.health.live()


async def test_batches_confirmed_count_as_progress_before_their_commit(seen: Situation) -> None:
    seen.offsets[TOPIC, 1] = Offsets(0, 1_000, 5)
    for second in range(300):
        seen.worker.progress_s[1] = float(second // 50)
        await seen.pass_time(1)

    assert seen.health.live()


async def test_an_idle_hour_and_then_one_record_is_no_stall(seen: Situation) -> None:
    await seen.pass_time(3600)
    seen.offsets[TOPIC, 0] = Offsets(0, 6, 5)
    await seen.pass_time(30)

    assert seen.health.live()


async def test_a_partition_just_taken_over_is_not_blamed_for_the_time_before(seen: Situation) -> None:
    seen.worker.active_partitions = frozenset({0})
    seen.offsets[TOPIC, 1] = Offsets(0, 9, 5)
    await seen.pass_time(300)
    assert seen.health.live()
    seen.worker.active_partitions = frozenset({0, 1})
    await seen.pass_time(30)
    assert seen.health.live()
    await seen.pass_time(31)

    assert not seen.health.live()


async def test_time_without_figures_of_the_lag_is_not_held_against_the_worker(seen: Situation) -> None:
    seen.offsets[TOPIC, 1] = Offsets(0, 9, 5)
    await seen.pass_time(50)
    seen.offsets_known = False
    await seen.pass_time(100)
    assert seen.health.live()
    _, body = await get(seen, "/health")
    assert body == {"status": "degraded", "problems": {"lag": "unknown: no answer"}}
    seen.offsets_known = True
    await seen.pass_time(50)

    assert seen.health.live()


async def test_the_watchdog_halts_a_stalled_worker_once_and_leaves_a_working_one_alone(seen: Situation) -> None:
    halted: list[BaseException] = []
    watching = asyncio.create_task(seen.health.watch(halted.append, every_s=0.001))
    await seen.pass_time(100)
    assert not halted
    seen.offsets[TOPIC, 0] = Offsets(0, 9, 5)
    await seen.pass_time(61)
    async with asyncio.timeout(60):
        await watching

    assert [type(reason) for reason in halted] == [Stalled]
    assert "partitions [0]" in str(halted[0])


async def test_while_the_table_is_restored_it_is_alive_but_not_ready(seen: Situation) -> None:
    seen.worker.table_recovered = False

    assert await statuses(seen) == all_of(503, live=200)
    assert (await get(seen, "/ready"))[1] == {"ready": False, "down": ["table"]}


async def test_a_recovery_without_progress_ends_the_worker_and_one_that_reads_on_does_not(seen: Situation) -> None:
    halted: list[BaseException] = []
    seen.worker.table_recovered = False
    watching = asyncio.create_task(seen.health.watch(halted.append, every_s=0.001))
    await seen.pass_time(50)
    seen.worker.restored[0] = 1_000
    await seen.pass_time(50)
    seen.offsets_known = False
    await seen.pass_time(100)
    seen.offsets_known = True
    assert seen.health.live()
    assert not halted
    await seen.pass_time(61)

    assert await statuses(seen) == all_of(503)
    async with asyncio.timeout(60):
        await watching
    assert "nothing of the table was restored for 6" in str(halted[0])

"""`skillstream spend`: what is stored in Redis, with no worker running."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.config.settings import load_settings
from agents.config.spending import buckets_of, limits_of
from agents.operations.doctor.check import Finding
from agents.operations.doctor.spending import SpendingCheck
from streams.limits import Cost
from streams.limits.redis import RedisLimiter, connect
from streams.reasoning.policy.settings import LIMITER
from streams.spending.account import Used
from streams.spending.limits import NO_SCHOOL, ScopeLimits, SpendingLimits, tenant_scope
from streams.spending.prices import NANO_USD
from streams.spending.redis import RedisAccount
from streams.spending.usage import TokenUsage
from tests.cli.conftest import Run, run
from tests.contract.limiters import prefix

__all__ = ["prefix", "run"]
LIMITS = SpendingLimits(ScopeLimits(day=5 * NANO_USD))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, redis_url: str, prefix: str) -> Iterator[None]:
    for name, value in {
        "SKILLSTREAM_REDIS_URL": redis_url,
        "SKILLSTREAM_APP_ID": prefix,
        "SKILLSTREAM_USD_PER_DAY": "5",
    }.items():
        monkeypatch.setenv(name, value)
    yield
    asyncio.run(_delete(redis_url, prefix))


async def _delete(url: str, prefix: str) -> None:
    async with connect(url, timeout_s=30) as client:
        async for key in client.scan_iter(f"{prefix}*"):
            await client.delete(key)


async def _spend(url: str, prefix: str) -> None:
    account = RedisAccount(connect(url, timeout_s=30), LIMITS, prefix=prefix)
    await account.begin()
    for school, nano_usd in (("north", 1_500_000_000), (NO_SCHOOL, 250_000_000)):
        reserved = await account.reserve(school, "gpt-4.1", 9_000, 2 * NANO_USD)
        await account.settle(reserved, Used("gpt-4.1", TokenUsage(700, 150, cached_tokens=512), nano_usd))
    await account.settle(await account.reserve(NO_SCHOOL, "gpt-4.1", 9_000, 90_000), Used("gpt-4.1", None, 90_000))
    await account.aclose()


@pytest.mark.usefixtures("environment")
def test_it_says_what_was_spent_by_day_model_and_school_and_what_is_left(run: Run, redis_url: str, prefix: str) -> None:
    asyncio.run(_spend(redis_url, prefix))
    ran = run("spend", "--json")

    assert (ran.code, ran.err) == (0, "")
    said = json.loads(ran.out)
    day, week, month = said["limits"]
    assert (day["period"], day["limit_usd"], day["unknown"]) == ("day", 5.0, False)
    assert day["spent_usd"] == pytest.approx(1.75009)
    assert day["left_usd"] == pytest.approx(3.24991)
    assert (week["limit_usd"], week["left_usd"], month["spent_usd"]) == (None, None, day["spent_usd"])
    assert [(row["model"], row["school"], row["calls"], row["cached_tokens"]) for row in said["days"]] == [
        ("gpt-4.1", None, 2, 512),
        ("gpt-4.1", "north", 1, 512),
    ]
    assert said["days"][0]["reserved_usd"] == pytest.approx(0.00009)
    assert sum(row["cost_usd"] for row in said["days"]) == pytest.approx(day["spent_usd"])
    assert [school["school"] for school in said["schools"]] == [None, "north"]

    page = run("spend").out
    for text in ("1.7501", "5.00", "3.2499", "north", "gpt-4.1", "(none)"):
        assert text in page


@pytest.mark.usefixtures("environment")
def test_it_says_what_each_tenant_has_spent_of_its_own_and_how_many_calls(
    run: Run, redis_url: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(
        "".join(
            f'[tenants.{name}]\nstudents = "{name}:"\nsigning_keys = ["{name * 8}"]\n{more}\n'
            for name, more in (("north", "usd_per_day = 2\ncalls_per_hour = 50"), ("south", "usd_per_month = 9"))
        )
    )
    monkeypatch.setenv("SKILLSTREAM_TENANTS", str(file))
    settings = load_settings(os.environ)

    async def spend() -> None:
        client = connect(redis_url, timeout_s=30)
        account = RedisAccount(client, limits_of(settings), prefix=prefix)
        await account.begin()
        reserved = await account.reserve(NO_SCHOOL, "gpt-4.1", 900, NANO_USD, "north")
        await account.settle(reserved, Used("gpt-4.1", TokenUsage(700, 150), NANO_USD // 2))
        limiter = RedisLimiter(client, LIMITER, buckets_of(settings), prefix=prefix)
        await limiter.fill()
        for _ in range(2):
            await limiter.acquire(Cost(whose="north"))
        await limiter.acquire(Cost(whose="south"))
        await client.aclose()

    asyncio.run(spend())
    said = json.loads(run("spend", "--json").out)
    shown = {
        of["tenant"]: [(p["period"], p["spent_usd"], p["limit_usd"]) for p in of["limits"]] for of in said["tenants"]
    }
    assert shown == {
        "north": [("day", 0.5, 2.0), ("week", 0.5, None), ("month", 0.5, None)],
        "south": [("day", 0, None), ("week", 0, None), ("month", 0, 9.0)],
    }
    assert said["calls"] == [
        {"tenant": None, "name": "calls/minute", "calls": 3, "limit": 50},
        {"tenant": None, "name": "calls/hour", "calls": 3, "limit": 500},
        {"tenant": "north", "name": "calls/hour", "calls": 2, "limit": 50},
    ]
    page = run("spend").out
    for text in ("tenant north", "1.5000", "tenant south", "calls/hour"):
        assert text in page
    found = [each.said for each in SpendingCheck(settings).run()]
    assert any(said.startswith("0.50 of 2.00 US dollars of the day") and "of tenant north" in said for said in found)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("field", "value"), [("offset", "soon"), ("l:calls/minute", "17 x")])
def test_a_limit_of_calls_that_cannot_be_read_is_left_out(
    run: Run, redis_url: str, prefix: str, field: str, value: str
) -> None:
    async def spoil() -> None:
        async with connect(redis_url, timeout_s=30) as client:
            await client.hset(f"{prefix}:limit:{{{LIMITER}}}", field, value)

    asyncio.run(spoil())
    assert json.loads(run("spend", "--json").out)["calls"] == []


@pytest.mark.usefixtures("environment")
def test_a_ledger_that_nobody_began_is_shown_and_not_begun(run: Run) -> None:
    for _ in range(2):
        said = json.loads(run("spend", "--json").out)
        assert (said["limits"][0]["spent_usd"], said["limits"][0]["left_usd"], said["days"]) == (0, 5.0, [])


@pytest.mark.usefixtures("environment")
def test_what_is_unknown_leaves_nothing_until_a_person_says_that_nothing_was_spent(
    run: Run, redis_url: str, prefix: str
) -> None:
    async def look() -> None:
        account = RedisAccount(connect(redis_url, timeout_s=30), LIMITS, prefix=prefix)
        await account.look()
        await account.aclose()

    asyncio.run(look())
    before, after = (json.loads(run("spend", "--json", *extra).out)["limits"][0] for extra in ([], ["--begin"]))
    assert (before["unknown"], before["left_usd"]) == (True, 0)
    assert (after["unknown"], after["left_usd"]) == (False, 5.0)


@pytest.mark.usefixtures("environment")
def test_the_doctor_says_what_is_left_and_what_to_do_about_an_unknown(redis_url: str, prefix: str) -> None:
    def found() -> list[Finding]:
        return list(SpendingCheck(load_settings(os.environ)).run())

    async def look() -> None:
        account = RedisAccount(connect(redis_url, timeout_s=30), LIMITS, prefix=prefix)
        await account.look()
        await account.aclose()

    asyncio.run(look())
    [unknown] = found()
    assert (unknown.status, unknown.advice) == ("warning", "where nothing was spent: skillstream spend --begin")
    asyncio.run(_spend(redis_url, prefix))
    [known] = found()
    assert known.status == "ok"
    assert known.said.startswith("1.75 of 5.00 US dollars of the day to ")


def test_the_doctor_says_which_models_have_no_price() -> None:
    [found] = SpendingCheck(load_settings({"SKILLSTREAM_OPENAI_MODELS": "gpt-4.1,qwen"})).run()
    assert found.status == "ok"
    assert "not counted for qwen" in found.said


def test_without_redis_it_says_what_to_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKILLSTREAM_REDIS_URL", raising=False)
    ran = run("spend")
    assert ran.code == 2
    assert "SKILLSTREAM_REDIS_URL" in ran.err


def test_a_redis_that_is_away_is_code_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSTREAM_REDIS_URL", "redis://127.0.0.1:9/0")
    assert run("spend").code == 3


@pytest.mark.usefixtures("environment")
def test_a_tenant_s_sum_that_cannot_be_read_is_counted(run: Run, redis_url: str, prefix: str) -> None:
    async def spoil() -> None:
        account = RedisAccount(connect(redis_url, timeout_s=30), LIMITS, prefix=prefix)
        await account.begin()
        await account.aclose()
        async with connect(redis_url, timeout_s=30) as client:
            async for key in client.scan_iter(f"{prefix}:spending:*", _type="hash"):
                await client.hset(key, f"m:{tenant_scope('north')}", "no sum")

    asyncio.run(spoil())

    assert json.loads(run("spend", "--json").out)["unreadable"] == 1

"""Limits of tokens and money, and prices, as settings say them: what cannot hold is refused at the start."""

from pathlib import Path

import pytest

from agents.config.settings import SettingsError, load_settings
from agents.config.spending import buckets_of, limits_of, prices_of, require_spending
from agents.config.tenant_budgets import MAX_LIMITED_TENANTS
from agents.config.tenants import Tenants, TenantTable
from streams.spending.limits import ScopeLimits, SpendingLimits
from streams.spending.prices import SHIPPED_PRICES, Price

REDIS = {"SKILLSTREAM_REDIS_URL": "redis://redis:6379/0"}


def test_without_any_there_is_no_limit() -> None:
    settings = load_settings({})
    require_spending(settings)
    assert limits_of(settings) == SpendingLimits()


def test_each_limit_has_a_setting() -> None:
    names = ("TOKENS_PER_MINUTE", "USD_PER_DAY", "USD_PER_WEEK", "USD_PER_MONTH")
    environment = {f"SKILLSTREAM_{name}": str(value) for value, name in zip((99_999, 2, 3, 4), names, strict=True)}
    environment |= {f"SKILLSTREAM_SCHOOL_{name}": f"{n}" for n, name in zip((55_555, 12, 13, 14), names, strict=True)}
    settings = load_settings(environment | REDIS | {"SKILLSTREAM_SCHOOL_SEPARATOR": ":"})
    require_spending(settings)
    usd = 1_000_000_000
    assert limits_of(settings) == SpendingLimits(
        ScopeLimits(99_999, 2 * usd, 3 * usd, 4 * usd), ScopeLimits(55_555, 12 * usd, 13 * usd, 14 * usd)
    )


def test_a_price_that_is_set_wins_over_the_shipped_one() -> None:
    settings = load_settings({"SKILLSTREAM_OPENAI_PRICES": "gpt-4.1=1/0.5/4, llama3.2=0/0/0"})
    prices = prices_of(settings)
    assert prices.of("gpt-4.1") == Price(1.0, 0.5, 4.0)
    assert prices.known("llama3.2") == Price(0.0, 0.0, 0.0)
    assert prices.of("gpt-6-luna") == SHIPPED_PRICES["gpt-6-luna"]


def test_scripted_explanations_cost_nothing() -> None:
    prices = prices_of(load_settings({"SKILLSTREAM_REASONING": "scripted"}))
    assert prices.of("scripted-1") == Price(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SKILLSTREAM_USD_PER_DAY": "5"}, "needs SKILLSTREAM_REDIS_URL"),
        ({"SKILLSTREAM_SCHOOL_USD_PER_DAY": "5", **REDIS}, "SKILLSTREAM_SCHOOL_SEPARATOR"),
        (
            {"SKILLSTREAM_USD_PER_DAY": "5", "SKILLSTREAM_OPENAI_MODELS": "gpt-4.1,llama3.2,qwen", **REDIS},
            r"no price is known of llama3\.2, qwen.*SKILLSTREAM_OPENAI_PRICES=llama3\.2=2/0\.5/8,qwen=",
        ),
        (
            {"SKILLSTREAM_USD_PER_DAY": "0.01", **REDIS},
            r"USD_PER_DAY: 0\.01 is less than one call may come to, 0\.049 US dollars of gpt-4\.1: raise it",
        ),
        (
            {"SKILLSTREAM_TOKENS_PER_MINUTE": "9000"},
            "9000 is less than one call may come to, 12288 tokens",
        ),
        ({"SKILLSTREAM_OPENAI_PRICES": "gpt-4.1=2"}, "SKILLSTREAM_OPENAI_PRICES: 'gpt-4.1=2' is not MODEL="),
    ],
)
def test_what_could_not_hold_is_refused_with_what_to_do(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        require_spending(load_settings(environment))


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("USD_PER_DAY", "-1", "a number of 0..1000000 US dollars a day"),
        ("USD_PER_MONTH", "nan", "a number of 0..1000000 US dollars a month"),
        ("TOKENS_PER_MINUTE", "many", "a whole number of 0..1000000000 tokens a minute"),
        ("CALLS_AT_ONCE", "0", "a whole number of 1..1000"),
    ],
)
def test_a_wrong_limit_says_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({f"SKILLSTREAM_{name}": value})
    assert allowed in str(refused.value)


def with_tenants(tmp_path: Path, *tables: str) -> dict[str, str]:
    """Settings with a tenants file that says so of north, of south, …"""
    file = tmp_path / "tenants.toml"
    heads = (f'[tenants.{name}]\nstudents = "{name}:"\nsigning_keys = ["{name * 8}"]\n' for name in ("north", "south"))
    file.write_text("\n".join(f"{head}{table}\n" for head, table in zip(heads, tables, strict=False)))
    return {"SKILLSTREAM_TENANTS": str(file), "SKILLSTREAM_REASONING": "scripted"}


def test_tenants_have_limits_of_unequal_size_and_those_without_numbers_none(tmp_path: Path) -> None:
    numbers = (
        "usd_per_day = 2.5\nusd_per_month = 40\ntokens_per_minute = 20000\ncalls_per_minute = 5\ncalls_per_hour = 50"
    )
    settings = load_settings(with_tenants(tmp_path, numbers, "") | REDIS)

    require_spending(settings)
    assert limits_of(settings).tenants == {
        "north": ScopeLimits(20_000, day=2_500_000_000, month=40_000_000_000),
    }
    assert [(bucket.name, bucket.limit, bucket.whose) for bucket in buckets_of(settings)] == [
        ("calls/minute", 50, ""),
        ("calls/hour", 500, ""),
        ("north calls/minute", 5, "north"),
        ("north calls/hour", 50, "north"),
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("usd_per_day = 0", r"tenants\.north\.usd_per_day"),
        ("usd_per_day = -1", r"tenants\.north\.usd_per_day"),
        ('usd_per_day = "5"', r"tenants\.north\.usd_per_day"),
        ("usd_per_day = nan", r"tenants\.north\.usd_per_day"),
        ("calls_per_minute = 0", r"tenants\.north\.calls_per_minute"),
        ("calls_per_hour = 1.5", r"tenants\.north\.calls_per_hour"),
        ("calls_per_day = 5", "calls_per_day"),
        ("usd_per_week = 0.00000000001", r"tenants\.north\.usd_per_week: 1e-11 is less than one call may come to"),
        (
            "tokens_per_minute = 100",
            r"tenants\.north\.tokens_per_minute: 100 is less than one call may come to, 12288 t",
        ),
    ],
)
def test_a_budget_that_could_not_hold_is_named(tmp_path: Path, table: str, said: str) -> None:
    environment = with_tenants(tmp_path, table) | REDIS | {"SKILLSTREAM_REASONING": "openai"}
    with pytest.raises(SettingsError, match=rf"tenants\.toml.*{said}"):
        require_spending(load_settings(environment))


def test_a_tenants_money_needs_redis_as_all_money_does(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"or a tenant's.*needs SKILLSTREAM_REDIS_URL"):
        require_spending(load_settings(with_tenants(tmp_path, "usd_per_day = 5")))


def test_calls_are_limited_for_as_many_tenants_as_can_be_counted_with_each_call() -> None:
    tables = {
        f"t{number:03}": TenantTable(students=f"t{number:03}:", signing_keys=[f"{number:032}"], calls_per_hour=9)
        for number in range(MAX_LIMITED_TENANTS + 1)
    }
    with pytest.raises(ValueError, match="calls_per_hour of 201 tenants: at most 200"):
        Tenants(tables)
    tables.popitem()
    assert len(Tenants(tables).budgets) == MAX_LIMITED_TENANTS

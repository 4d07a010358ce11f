"""What may be spent, and at which prices, as settings say it."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from agents.config.settings import Settings, SettingsError
from agents.config.tenants import Tenants
from streams.limits import Bucket, calls_per_hour, calls_per_minute
from streams.reasoning.model.defaults import SCRIPTED_MODEL
from streams.spending.limits import ScopeLimits, SpendingLimits
from streams.spending.prices import NANO_USD, PRICES_AS_OF, SHIPPED_PRICES, Price, PriceError, Prices, read_prices

_LARGEST_PROMPT_TOKENS: Final = 8_192
"""The prompt that a limit must have room for beside a reply's cap, in bytes; larger ones may come."""
_NAMES: Final = ("tokens_per_minute", "usd_per_day", "usd_per_week", "usd_per_month")
_LIMITS: Final = tuple(f"{whose}{name}" for whose in ("", "school_") for name in _NAMES)
_FREE: Final = Price(0.0, 0.0, 0.0)


def limits_of(settings: Settings, tenants: Tenants | None = None) -> SpendingLimits:
    """The limits; 0 is none. `tenants` are those of the file, where it was read before.

    Raises SettingsError for a tenants file that is of no use.
    """
    budgets = (Tenants.of(settings) if tenants is None else tenants).budgets
    return SpendingLimits(
        ScopeLimits(
            settings.tokens_per_minute or None,
            _nano_usd(settings.usd_per_day),
            _nano_usd(settings.usd_per_week),
            _nano_usd(settings.usd_per_month),
        ),
        ScopeLimits(
            settings.school_tokens_per_minute or None,
            _nano_usd(settings.school_usd_per_day),
            _nano_usd(settings.school_usd_per_week),
            _nano_usd(settings.school_usd_per_month),
        ),
        {name: limits for name, budget in budgets.items() if (limits := budget.spending()) != ScopeLimits()},
    )


def buckets_of(settings: Settings, tenants: Tenants | None = None) -> list[Bucket]:
    """The limits of calls: those of all, and those of `tenants`. Takes and raises what `limits_of` does."""
    budgets = (Tenants.of(settings) if tenants is None else tenants).budgets
    spending = settings.call_spending
    buckets = [calls_per_minute(settings.calls_per_minute), calls_per_hour(settings.calls_per_hour, spending)]
    for tenant, budget in budgets.items():
        buckets += budget.buckets(tenant, spending)
    return buckets


def prices_of(settings: Settings) -> Prices:
    """The shipped prices, under those that are set. Raises SettingsError."""
    if settings.explained_by in ("scripted", "templates"):
        return Prices(MappingProxyType({SCRIPTED_MODEL: _FREE}), (SCRIPTED_MODEL,))
    try:
        prices = {**SHIPPED_PRICES, **read_prices(settings.openai_prices)}
    except PriceError as error:
        raise SettingsError(f"SKILLSTREAM_OPENAI_PRICES: {error}") from None
    return Prices(MappingProxyType(prices), settings.openai_models)


def require_spending(settings: Settings) -> None:
    """Raise SettingsError for limits that could not hold: of money without prices, or without a place that outlives a
    worker; of schools, without a way to tell one from another.
    """
    tenants = Tenants.of(settings)
    limits, prices = limits_of(settings, tenants), prices_of(settings)
    if settings.reasoning == "off":
        return
    if limits.school != ScopeLimits() and not settings.school_separator:
        raise SettingsError(
            "SKILLSTREAM_SCHOOL_USD_PER_… and _TOKENS_PER_MINUTE limit each school: say in "
            "SKILLSTREAM_SCHOOL_SEPARATOR what ends the school in a student's id (`:` for `north:4711`)"
        )
    _require_room(settings, prices, tenants)
    if not limits.of_money:
        return
    if settings.redis_url is None:
        raise SettingsError(
            "a limit of money (SKILLSTREAM_USD_PER_…, or a tenant's) needs SKILLSTREAM_REDIS_URL: what is spent must "
            "outlive a worker"
        )
    if unknown := prices.unknown():
        example = ",".join(f"{model}=2/0.5/8" for model in unknown)
        raise SettingsError(
            f"a limit of money is set, and no price is known of {', '.join(unknown)} (prices as of {PRICES_AS_OF}): "
            f"give them as SKILLSTREAM_OPENAI_PRICES={example}, in US dollars a million tokens of input, of cached "
            "input and of output; 0/0/0 for a server of your own"
        )


def _require_room(settings: Settings, prices: Prices, tenants: Tenants) -> None:
    """Raise SettingsError for a limit that is smaller than what one call reserves: it would never admit any."""
    tokens = _LARGEST_PROMPT_TOKENS + settings.openai_max_reply_tokens
    costs = {
        model: price.most_nano_usd(_LARGEST_PROMPT_TOKENS, settings.openai_max_reply_tokens) / NANO_USD
        for model in prices.asked
        if (price := prices.known(model)) is not None
    }
    dearest, usd = max(costs.items(), key=lambda cost: cost[1], default=("", 0.0))
    for name, each in _limits_by_name(settings, tenants):
        room, said = usd, f"{usd:.3f} US dollars of {dearest}"
        if name.lower().endswith("tokens_per_minute"):
            room, said = float(tokens), f"{tokens} tokens"
        if 0 < each < room:
            raise SettingsError(
                f"{name}: {each:g} is less than one call may come to, {said}: raise it, or lower "
                "SKILLSTREAM_OPENAI_MAX_REPLY_TOKENS"
            )


def _limits_by_name(settings: Settings, tenants: Tenants) -> Iterator[tuple[str, float]]:
    """Limits of tokens and money as they were set; 0 for none."""
    for name in _LIMITS:
        yield f"SKILLSTREAM_{name.upper()}", getattr(settings, name)
    for tenant, budget in tenants.budgets.items():
        for name in _NAMES:
            yield f"tenants file {settings.tenants}: tenants.{tenant}.{name}", getattr(budget, name) or 0


def _nano_usd(usd: float) -> int | None:
    return round(usd * NANO_USD) or None

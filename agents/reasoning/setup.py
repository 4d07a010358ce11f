"""The parts of reasoning that settings choose: which model, which limits, kept where."""

import logging
import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agents.config.settings import Settings
from agents.config.spending import buckets_of, limits_of, prices_of
from agents.config.tenants import Tenants
from agents.metrics import Metrics
from agents.secrets.secret import Secret, current
from streams.limits import (
    LIMITERS,
    Decision,
    FallbackLimiter,
    Limiter,
    MemoryLimiter,
    PartitionShare,
)
from streams.limits.bucket import own_name
from streams.limits.memory import monotonic_us
from streams.reasoning.explainer import Explainer
from streams.reasoning.model.outcome import Called, CallObserver, Tried
from streams.reasoning.model.reasoning_model import ReasoningModel
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.policy.settings import LIMITER, ExplainSettings, PendingPolicy
from streams.reasoning.request.prompt import Prompt
from streams.reasoning.reuse import Reuse
from streams.reasoning.shared.answer_cache import AnswerCache, MemoryAnswerCache
from streams.reasoning.shared.flights import Flights, MemoryFlights
from streams.reasoning.shared.keyed_hash import KeyedHash
from streams.skills.skill_set import SkillSet
from streams.spending.account import OnCrossed, SpendingAccount
from streams.spending.memory import MemoryAccount
from streams.spending.prices import NANO_USD

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from streams.reasoning.model.openai_model import OpenAIModel

_MINUTE_US: Final = 60_000_000
_TOTAL: Final = 1.5
_SPARE_S: Final = 15.0
_log = logging.getLogger(__name__)


def now_us() -> int:
    """The wall clock, in µs: the clock of pending work."""
    return time.time_ns() // 1_000


def policy_of(settings: Settings) -> PendingPolicy:
    """Who is owed an explanation, under `settings`."""
    return PendingPolicy(cooldown_s=settings.explain_cooldown_s, horizon_s=settings.explain_horizon_s)


def calls_per_s(settings: Settings) -> float:
    """The rate at which the limits let one of the expected workers serve."""
    minute, hour = settings.calls_per_minute / 60, settings.calls_per_hour / 3600
    return min(minute, hour) / settings.expected_workers


def make_limiter(settings: Settings, tenants: Tenants, metrics: Metrics, share: PartitionShare) -> Limiter:
    """The limiter, registered by its name: in Redis where there is one, else this worker's share in memory."""
    buckets = buckets_of(settings, tenants)
    limiter: Limiter
    observe = partial(count_decision, metrics)
    if settings.redis_url:
        from streams.limits.redis import RedisLimiter

        client = connected(settings.redis_url)
        shared = RedisLimiter(client, LIMITER, buckets, prefix=settings.app_id, share=share, observe=observe)
        limiter = FallbackLimiter(shared, share, observe=observe)
    else:
        limiter = MemoryLimiter(LIMITER, buckets, share=share, observe=observe)
    LIMITERS.register(limiter)
    return limiter


def share_of(settings: Settings) -> PartitionShare:
    """Of a worker that has no partition yet."""
    return PartitionShare(settings.partitions, monotonic_us)


def make_model(settings: Settings) -> ReasoningModel:
    """The model that `settings` choose; not to be called with reasoning off. Nobody asks the one of templates."""
    return make_openai_model(settings) if settings.explained_by == "openai" else ScriptedModel()


def make_openai_model(settings: Settings) -> "OpenAIModel":
    """The model behind `OPENAI_BASE_URL`."""
    from streams.reasoning.model.defaults import BASE_URL
    from streams.reasoning.model.openai_model import OpenAIModel, OpenAISettings

    return OpenAIModel(
        OpenAISettings(
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url or BASE_URL,
            models=settings.openai_models,
            read_timeout_s=settings.openai_timeout_s,
            total_timeout_s=settings.openai_timeout_s * _TOTAL,
            max_reply_bytes=settings.openai_max_reply_kb * 1024,
            max_reply_tokens=settings.openai_max_reply_tokens,
        ),
        now_us,
        key=partial(current, settings.openai_api_key),
    )


def make_account(settings: Settings, tenants: Tenants, on_crossed: OnCrossed, share: PartitionShare) -> SpendingAccount:
    """The account of spending: in Redis where there is one, else this worker's share in memory."""
    limits = limits_of(settings, tenants)
    if settings.redis_url:
        from streams.spending.redis import RedisAccount
        from streams.spending.shared import SharedAccount

        redis = RedisAccount(connected(settings.redis_url), limits, prefix=settings.app_id, on_crossed=on_crossed)
        return SharedAccount(redis, share)
    return MemoryAccount(limits, part=lambda: share.part(monotonic_us() - _MINUTE_US), on_crossed=on_crossed)


def make_answer_cache(settings: Settings, metrics: Metrics) -> AnswerCache | None:
    """Where answers are kept: in Redis where there is one, else in memory; None where none are."""
    most, ttl_s = settings.cached_answers, settings.cached_answers_s
    if most == 0:
        return None
    if settings.redis_url:
        from streams.reasoning.shared.redis_answer_cache import RedisAnswerCache

        client = connected(settings.redis_url)
        return RedisAnswerCache(client, most, ttl_s, prefix=settings.app_id, evicted=metrics.evicted_answers.add)
    return MemoryAnswerCache(most, ttl_s, evicted=metrics.evicted_answers.add)


def make_flights(settings: Settings) -> Flights:
    """Where calls under way are noted, for as long as two requests, the wait between them and some more may take: in
    Redis where there is one.
    """
    wait_s = ExplainSettings().second_grant_wait_s
    longest_s = 2 * _TOTAL * settings.openai_timeout_s + wait_s + _SPARE_S
    if settings.redis_url:
        from streams.reasoning.shared.redis_flights import RedisFlights

        client = connected(settings.redis_url)
        return RedisFlights(client, keyed_hash(settings), longest_s, prefix=settings.app_id)
    return MemoryFlights(longest_s)


def keyed_hash(settings: Settings) -> KeyedHash:
    """Names by a secret that all workers have: the header key, or else the key of the model's provider."""
    return KeyedHash(settings.header_key or settings.openai_api_key)


def make_explainer(
    settings: Settings,
    tenants: Tenants,
    skill_set: SkillSet,
    model: ReasoningModel,
    account: SpendingAccount,
    alert: Callable[[str], None],
    observe: CallObserver,
    answers: AnswerCache | None = None,
) -> Explainer:
    """The explainer; without `answers` each explanation is a call."""
    return Explainer(
        model,
        Prompt(skill_set, skill_set.language_of(settings.language)),
        now_us,
        Random(),
        ExplainSettings(reply_tokens=settings.openai_max_reply_tokens, prices=prices_of(settings)),
        account=account,
        alert=alert,
        observe=observe,
        school_separator=settings.school_separator,
        reuse=None if answers is None else Reuse(model, answers, keyed_hash(settings)),
        tenant_of=tenants.of_student,
    )


def connected(url: str, *, timeout_s: float = 0.5) -> "Redis":
    """A client of the Redis at `url`, which logs in with what that is when it connects."""
    from streams.limits.redis import connect

    is_rotated = isinstance(url, Secret) and url.held is not None and "@" in url
    return connect(url, timeout_s=timeout_s, url_now=partial(current, url) if is_rotated else None)


def redis_address(url: str) -> str:
    """Where Redis is, without what it takes to get in."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"


def count_decision(metrics: Metrics, decision: Decision) -> None:
    """Count an answer of the limiter, and a tenant's own limit by tenant."""
    if decision.bucket is None or not decision.whose:
        metrics.decided(decision)
        return
    bucket = own_name(decision.bucket, decision.whose)
    metrics.decided(Decision(decision.limiter, f"tenant {bucket}"))
    metrics.tenant_calls_refused.add(decision.whose, bucket)


def count_call(metrics: Metrics, event: Called | Tried) -> None:
    """Count a call by how it went, and by its model what it used."""
    if isinstance(event, Tried):
        return
    if event.tenant:
        metrics.tenant_calls.add(event.tenant, event.outcome)
        metrics.tenant_spend_usd.add(event.tenant, event.nano_usd / NANO_USD)
    usage, usd = event.usage, event.nano_usd / NANO_USD
    metrics.reasoning_calls.add(event.outcome)
    metrics.reasoning_call_duration_s.observe(event.duration_s)
    metrics.spend_usd.add(usd)
    metrics.model_calls.add(event.model, event.outcome)
    metrics.model_spend_usd.add(event.model, usd)
    metrics.add_tokens(event.model, usage)

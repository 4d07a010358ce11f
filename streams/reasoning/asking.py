"""A model within its budget, whose answers are checked: each request has a grant of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from schemas.errors import SkillstreamError
from streams.limits import LIMITERS, Cost, Grant, LimitUnavailable, RateLimitExceeded, Registry, rate_limit
from streams.reasoning.check.grounding import violations
from streams.reasoning.model.bulkhead import bulkhead
from streams.reasoning.model.outcome import Called, CallObserver, CallOutcome, ignore_call
from streams.reasoning.model.reasoning_model import (
    BadReply,
    ModelError,
    ModelRefused,
    ReasoningModel,
    Reply,
    RequestAdjusted,
    RequestRefused,
    TokenUsage,
)
from streams.reasoning.policy.backoff import RetryBudget
from streams.reasoning.policy.breaker import Breaker, ReasoningPaused
from streams.reasoning.policy.settings import LIMITER, ExplainSettings
from streams.reasoning.request.prompt import Request, most_tokens

MAX_ADJUSTMENTS: Final = 3


class NotWanted(SkillstreamError):
    """The student became another worker's before the request was sent; nothing was sent, nothing is to be written."""


class BudgetedModel:
    """Asks `model` within the limit LIMITER of `registry`, unless `breaker` is open; counts what tries again cost."""

    def __init__(
        self,
        model: ReasoningModel,
        breaker: Breaker,
        clock_us: Callable[[], int],
        settings: ExplainSettings,
        *,
        registry: Registry = LIMITERS,
        observe: CallObserver = ignore_call,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._breaker = breaker
        self._clock_us = clock_us
        self._settings = settings
        self._registry = registry
        self._observe = observe
        self._sleep = sleep
        self._budget = RetryBudget(settings.retry_ratio, settings.retry_reserve)

    @property
    def may_try_again(self) -> bool:
        """Whether a student whose earlier call failed may be asked about now."""
        return self._budget.allows

    async def hold(self, seconds: float) -> None:
        """Hold all who share the limit, as far as the limit's store answers."""
        with suppress(LimitUnavailable):
            await self._registry[LIMITER].hold(seconds)

    async def ask(self, request: Request, wanted: Callable[[], bool], *, again: bool) -> Reply | None:
        """A reply that passes the check, at the second try at the latest; None if neither does.

        `again` says that an earlier call for this student failed. Raises what `Limiter.acquire` raises, ModelError
        (but not BadReply), ReasoningPaused, NotWanted. A request that was adjusted is asked again at once.
        """
        reply, faults = await self._adjusting(request, wanted, again=again)
        if not faults:
            return reply
        request = request.after(faults)
        try:
            reply, faults = await self._try(request, wanted)
        except RateLimitExceeded as spent:
            if spent.retry_after_s > self._settings.second_grant_wait_s:
                return None
            await self._sleep(spent.retry_after_s)
            try:
                reply, faults = await self._try(request, wanted)
            except RateLimitExceeded:
                return None
        return None if faults else reply

    async def _adjusting(
        self, request: Request, wanted: Callable[[], bool], *, again: bool
    ) -> tuple[Reply | None, tuple[str, ...]]:
        for _ in range(MAX_ADJUSTMENTS):
            with suppress(RequestAdjusted):
                return await self._try(request, wanted, again=again)
        return await self._try(request, wanted, again=again)

    async def _try(
        self, request: Request, wanted: Callable[[], bool], *, again: bool = False
    ) -> tuple[Reply | None, tuple[str, ...]]:
        """One grant, one request, one check: the reply, and what is wrong with it."""
        _insist(wanted)
        async with rate_limit(LIMITER, self._reserve(request), registry=self._registry) as grant:
            await self._enter(grant, wanted)
            self._budget.count(again=again)
            started_us = self._clock_us()
            try:
                with bulkhead("reading the model's answer"):
                    reply = await self._model.explain(request)
                    faults = violations(request, reply.draft)
            except ModelError as error:
                await self._settle(grant, error.outcome, self._model.name, error.usage, started_us)
                if isinstance(error, BadReply | ModelRefused) and not isinstance(error, RequestRefused):
                    self._breaker.close()
                if isinstance(error, BadReply):
                    return None, (str(error),)
                raise
            self._breaker.close()
            outcome: CallOutcome = "bad_reply" if faults else "ok"
            await self._settle(grant, outcome, reply.model, reply.usage, started_us, len(faults))
            return reply, faults

    async def _enter(self, grant: Grant, wanted: Callable[[], bool]) -> None:
        """The last look before the request; what forbids it gives the grant back, since nothing was sent."""
        try:
            _insist(wanted)
            self._breaker.enter(self._clock_us())
        except (NotWanted, ReasoningPaused):
            with suppress(LimitUnavailable):
                await grant.cancel()
            raise

    def _reserve(self, request: Request) -> Cost:
        reply_tokens = self._settings.reply_tokens
        tokens = most_tokens(request, reply_tokens)
        price = self._settings.prices.of(self._model.name)
        micro_usd = price.micro_usd(tokens - reply_tokens, reply_tokens) if price else 0
        return Cost(calls=1, tokens=tokens, micro_usd=micro_usd)

    async def _settle(
        self, grant: Grant, outcome: CallOutcome, model: str, usage: TokenUsage | None, started_us: int, faults: int = 0
    ) -> None:
        """Charge what was used; what is unknown stays charged as reserved, as it does where the limit is away."""
        micro_usd = 0
        if usage is not None:
            price = self._settings.prices.of(model)
            micro_usd = price.micro_usd(usage.input_tokens, usage.output_tokens) if price else 0
            with suppress(LimitUnavailable):
                await grant.settle(tokens=usage.total_tokens, micro_usd=micro_usd)
        used = usage or TokenUsage(0, 0)
        duration_s = (self._clock_us() - started_us) / 1e6
        self._observe(Called(outcome, model, duration_s, used.input_tokens, used.output_tokens, micro_usd, faults))


def _insist(wanted: Callable[[], bool]) -> None:
    if not wanted():
        raise NotWanted("the student is another worker's now")

"""A model within its budget, whose answers are checked: each request has a grant of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from schemas.errors import SkillstreamError
from streams.limits import LIMITERS, Grant, LimitUnavailable, RateLimitExceeded, Registry, rate_limit
from streams.reasoning.check.grounding import violations
from streams.reasoning.model.bulkhead import bulkhead
from streams.reasoning.model.outcome import Called, CallObserver, CallOutcome, ignore_call
from streams.reasoning.model.provider_quota import ProviderQuota
from streams.reasoning.model.reasoning_model import (
    BadReply,
    ModelError,
    ModelRefused,
    ReasoningModel,
    Reply,
    RequestAdjusted,
    RequestRefused,
)
from streams.reasoning.paid import CallTally, PaidCalls
from streams.reasoning.policy.backoff import RetryBudget
from streams.reasoning.policy.breaker import Breaker, ReasoningPaused
from streams.reasoning.policy.settings import LIMITER, ExplainSettings
from streams.reasoning.request.prompt import Request
from streams.spending.account import MoneySpent, Reservation, SpendingAccount
from streams.spending.usage import NO_TOKENS, TokenUsage

MAX_ADJUSTMENTS: Final = 5


class NotWanted(SkillstreamError):
    """The student became another worker's before the request was sent; nothing was sent, nothing is to be written."""


class BudgetedModel:
    """Asks `model` within the limit LIMITER of `registry` and what `account` has left, unless `breaker` is open; counts
    what tries again cost.
    """

    def __init__(
        self,
        model: ReasoningModel,
        breaker: Breaker,
        clock_us: Callable[[], int],
        settings: ExplainSettings,
        account: SpendingAccount,
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
        self._paid = PaidCalls(account, settings.prices, settings.reply_tokens)
        self._budget = RetryBudget(settings.retry_ratio, settings.retry_reserve)

    @property
    def may_try_again(self) -> bool:
        """Whether a student whose earlier call failed may be asked about now."""
        return self._budget.allows

    async def hold(self, seconds: float) -> None:
        """Hold all who share the limit, as far as the limit's store answers."""
        with suppress(LimitUnavailable):
            await self._registry[LIMITER].hold(seconds)

    async def ask(self, request: Request, wanted: Callable[[], bool], tally: CallTally, *, again: bool) -> Reply | None:
        """A reply that passes the check, at the second try at the latest; None if neither does.

        `again` says that an earlier call for this student failed; `tally` takes note of what calls cost. Raises what
        `Limiter.acquire` and `SpendingAccount.reserve` do, ModelError (but not BadReply), ReasoningPaused, NotWanted.
        A request that was adjusted is asked again at once.
        """
        reply, faults = await self._adjusting(request, wanted, tally, again=again)
        if not faults:
            return reply
        request = request.after(faults)
        try:
            reply, faults = await self._try(request, wanted, tally)
        except MoneySpent:
            return None
        except RateLimitExceeded as spent:
            if spent.retry_after_s > self._settings.second_grant_wait_s:
                return None
            await self._sleep(spent.retry_after_s)
            try:
                reply, faults = await self._try(request, wanted, tally)
            except (RateLimitExceeded, MoneySpent):
                return None
        return None if faults else reply

    async def _adjusting(
        self, request: Request, wanted: Callable[[], bool], tally: CallTally, *, again: bool
    ) -> tuple[Reply | None, tuple[str, ...]]:
        for _ in range(MAX_ADJUSTMENTS):
            with suppress(RequestAdjusted):
                return await self._try(request, wanted, tally, again=again)
        return await self._try(request, wanted, tally, again=again)

    async def _try(
        self, request: Request, wanted: Callable[[], bool], tally: CallTally, *, again: bool = False
    ) -> tuple[Reply | None, tuple[str, ...]]:
        """One reservation, one grant, one request, one check: the reply, and what is wrong with it."""
        _insist(wanted)
        reserved = await self._paid.reserve(request, self._model.name, tally)
        try:
            async with rate_limit(LIMITER, registry=self._registry) as grant:
                await self._enter(grant, wanted)
                self._budget.count(again=again)
                return await self._request(request, reserved, tally)
        except (RateLimitExceeded, LimitUnavailable, NotWanted, ReasoningPaused):
            await self._paid.cancel(reserved)
            raise

    async def _request(
        self, request: Request, reserved: Reservation, tally: CallTally
    ) -> tuple[Reply | None, tuple[str, ...]]:
        started_us = self._clock_us()
        try:
            with bulkhead("reading the model's answer"):
                reply = await self._model.explain(request)
                faults = violations(request, reply.draft)
        except ModelError as error:
            await self._failed(error, reserved, started_us, tally)
            if isinstance(error, BadReply | ModelRefused) and not isinstance(error, RequestRefused):
                self._breaker.close()
            if isinstance(error, BadReply):
                return None, (str(error),)
            raise
        self._breaker.close()
        outcome: CallOutcome = "bad_reply" if faults else "ok"
        tally.request_id = reply.request_id
        await self._settle(reserved, outcome, reply.model, reply.usage, started_us, tally, len(faults))
        await self._heed(reply.quota, reply.usage)
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

    async def _failed(self, error: ModelError, reserved: Reservation, started_us: int, tally: CallTally) -> None:
        if error.unbilled and error.usage is None:
            await self._paid.cancel(reserved)
            self._observe(Called(error.outcome, self._model.name, (self._clock_us() - started_us) / 1e6))
        else:
            await self._settle(reserved, error.outcome, self._model.name, error.usage, started_us, tally)
        await self._heed(error.quota, error.usage)

    async def _settle(
        self,
        reserved: Reservation,
        outcome: CallOutcome,
        model: str,
        usage: TokenUsage | None,
        started_us: int,
        tally: CallTally,
        faults: int = 0,
    ) -> None:
        duration_s = (self._clock_us() - started_us) / 1e6
        used = await self._paid.settle(reserved, model, usage, tally)
        self._observe(Called(outcome, model, duration_s, usage or NO_TOKENS, used.nano_usd, faults))

    async def _heed(self, quota: ProviderQuota | None, usage: TokenUsage | None) -> None:
        """Hold all workers where the provider says that the next request like this one is over its own limits."""
        wait_s = quota.wait_s((usage or NO_TOKENS).total_tokens) if quota is not None else 0.0
        if wait_s > 0:
            await self._paid.hold(wait_s)


def _insist(wanted: Callable[[], bool]) -> None:
    if not wanted():
        raise NotWanted("the student is another worker's now")

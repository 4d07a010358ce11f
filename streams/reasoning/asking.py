"""A model within its budget, whose answers are checked: each request has a grant of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Self

from schemas.errors import SkillstreamError
from streams.limits import LIMITERS, Cost, Grant, LimitUnavailable, RateLimitExceeded, Registry, rate_limit
from streams.reasoning.check.grounding import check_claims
from streams.reasoning.model.bulkhead import bulkhead
from streams.reasoning.model.outcome import Called, CallObserver, CallOutcome, ignore_call
from streams.reasoning.model.provider_quota import ProviderQuota
from streams.reasoning.model.reasoning_model import (
    BadReply,
    Draft,
    ModelError,
    ModelRefused,
    ModelThrottled,
    ModelUnavailable,
    ReasoningModel,
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
_LEAST_WAIT_S: Final = 0.001


class NotWanted(SkillstreamError):
    """The student became another worker's before the request was sent; nothing was sent, nothing is to be written."""


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """The claims that passed the check, by `model`; what is wrong with the others; the skills left without one."""

    draft: Draft
    model: str
    faults: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()

    @classmethod
    def without_claims(cls, request: Request, fault: str) -> Self:
        """An answer that could not be read."""
        return cls(Draft(skills=[]), "", (fault,), tuple(skill.skill for skill in request.skills))

    @property
    def whole(self) -> bool:
        """Whether each skill has a claim."""
        return not self.unanswered

    def with_those_of(self, second: Self) -> Self:
        """This answer and, for the skills that it lacks, the second one's."""
        answered = {drafted.skill for drafted in self.draft.skills}
        added = [drafted for drafted in second.draft.skills if drafted.skill not in answered]
        now = answered | {drafted.skill for drafted in added}
        unanswered = tuple(name for name in self.unanswered if name not in now)
        return replace(
            self,
            draft=Draft(skills=[*self.draft.skills, *added]),
            model=self.model or second.model,
            unanswered=unanswered,
        )


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

    async def ask(
        self, request: Request, wanted: Callable[[], bool], tally: CallTally, *, again: bool
    ) -> CheckedAnswer | None:
        """What passes the check of an answer, and of a second one about the skills that the first left without a claim.

        None where nothing does. `again` says that an earlier call for this student failed; `tally` takes note of what
        calls cost. Raises what `Limiter.acquire` and `SpendingAccount.reserve` do, ModelError (but not BadReply),
        ReasoningPaused, NotWanted. A request that was adjusted is asked again at once.
        """
        first = await self._adjusting(request, wanted, tally, again=again)
        if first.whole:
            return first
        try:
            second = await self._second(request.after(first.faults, first.unanswered), wanted, tally)
        except (ModelError, ReasoningPaused, LimitUnavailable) as error:
            if not first.draft.skills:
                raise
            if isinstance(error, ModelThrottled):
                await self.hold(error.retry_after_s)
            second = None
        both = first if second is None else first.with_those_of(second)
        return both if both.draft.skills else None

    async def _second(self, request: Request, wanted: Callable[[], bool], tally: CallTally) -> CheckedAnswer | None:
        """None where neither a grant nor money is to be had in time. Others may take the grant that was waited for."""
        left_s = self._settings.second_grant_wait_s
        while True:
            try:
                return await self._try(request, wanted, tally)
            except MoneySpent:
                return None
            except RateLimitExceeded as spent:
                wait_s = max(spent.retry_after_s, _LEAST_WAIT_S)
            left_s -= wait_s
            if left_s < 0:
                return None
            await self._sleep(wait_s)

    async def _adjusting(
        self, request: Request, wanted: Callable[[], bool], tally: CallTally, *, again: bool
    ) -> CheckedAnswer:
        for _ in range(MAX_ADJUSTMENTS):
            with suppress(RequestAdjusted):
                return await self._try(request, wanted, tally, again=again)
        return await self._try(request, wanted, tally, again=again)

    async def _try(
        self, request: Request, wanted: Callable[[], bool], tally: CallTally, *, again: bool = False
    ) -> CheckedAnswer:
        """One reservation, one grant, one request, one check."""
        insist_on(wanted)
        reserved = await self._paid.reserve(request, self._model.name, tally)
        try:
            async with rate_limit(LIMITER, Cost(whose=tally.tenant), registry=self._registry) as grant:
                await self._enter(grant, wanted)
                tally.sending()
                self._budget.count(again=again)
                return await self._request(request, reserved, tally)
        except (RateLimitExceeded, LimitUnavailable, NotWanted, ReasoningPaused):
            await self._paid.cancel(reserved)
            raise

    async def _request(self, request: Request, reserved: Reservation, tally: CallTally) -> CheckedAnswer:
        started_us = self._clock_us()
        try:
            with bulkhead("reading the model's answer"):
                reply = await self._model.explain(request)
                checked = check_claims(request, reply.draft)
        except ModelError as error:
            await self._failed(error, reserved, started_us, tally)
            self._note(error, started_us)
            if isinstance(error, BadReply):
                return CheckedAnswer.without_claims(request, str(error))
            raise
        self._breaker.answer(self._clock_us())
        outcome: CallOutcome = "bad_reply" if checked.unanswered else "ok"
        tally.request_id = reply.request_id
        await self._settle(reserved, outcome, reply.model, reply.usage, started_us, tally, checked.refused)
        await self._heed(reply.quota, reply.usage)
        return CheckedAnswer(checked.draft, reply.model, checked.faults, checked.unanswered)

    def _note(self, error: ModelError, started_us: int) -> None:
        """What the failure says of the provider: that it answers, that it does not, or neither."""
        if isinstance(error, BadReply | ModelRefused) and not isinstance(error, RequestRefused):
            self._breaker.answer(self._clock_us())
        elif isinstance(error, ModelUnavailable) and not isinstance(error, RequestAdjusted):
            self._breaker.fail(str(error), started_us, self._clock_us())

    async def _enter(self, grant: Grant, wanted: Callable[[], bool]) -> None:
        """The last look before the request; what forbids it gives the grant back, since nothing was sent."""
        try:
            insist_on(wanted)
            self._breaker.enter(self._clock_us())
        except (NotWanted, ReasoningPaused):
            with suppress(LimitUnavailable):
                await grant.cancel()
            raise

    async def _failed(self, error: ModelError, reserved: Reservation, started_us: int, tally: CallTally) -> None:
        if error.unbilled and error.usage is None:
            await self._paid.cancel(reserved)
            duration_s = (self._clock_us() - started_us) / 1e6
            self._observe(Called(error.outcome, self._model.name, duration_s, tenant=tally.tenant))
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
        self._observe(Called(outcome, model, duration_s, usage or NO_TOKENS, used.nano_usd, faults, tally.tenant))

    async def _heed(self, quota: ProviderQuota | None, usage: TokenUsage | None) -> None:
        """Hold all workers where the provider says that the next request like this one is over its own limits."""
        wait_s = quota.wait_s((usage or NO_TOKENS).total_tokens) if quota is not None else 0.0
        if wait_s > 0:
            await self._paid.hold(wait_s)


def insist_on(wanted: Callable[[], bool]) -> None:
    """Raises NotWanted for a student who is another worker's now."""
    if not wanted():
        raise NotWanted("the student is another worker's now")

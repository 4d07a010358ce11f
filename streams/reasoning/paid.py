"""What calls cost: reserved before each at the most it can be, settled after it by what the provider says."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from schemas.explanation import CallUsage
from streams.limits import LimitUnavailable
from streams.reasoning.request.prompt import Request
from streams.reasoning.request.sent import PROMPT_VERSION, most_input_tokens
from streams.spending.account import Reservation, SpendingAccount, Used
from streams.spending.limits import NO_SCHOOL, NO_TENANT
from streams.spending.prices import NANO_USD, Prices
from streams.spending.usage import NO_TOKENS, TokenUsage


def unnoticed() -> None:
    """Nobody minds when a request is sent."""


@dataclass(slots=True)
class CallTally:
    """What the calls for one explanation came to; `school` and `tenant` pay. `sending` is called before each."""

    school: str = NO_SCHOOL
    sending: Callable[[], None] = unnoticed
    tenant: str = NO_TENANT
    calls: list[Used] = field(default_factory=list)
    request_id: str | None = None

    def usage(self) -> CallUsage | None:
        """The sum, for the message; None where nobody was asked."""
        if not self.calls:
            return None
        tokens = NO_TOKENS
        for call in self.calls:
            tokens = tokens.plus(call.usage or NO_TOKENS)
        cost_usd = sum(call.nano_usd for call in self.calls) / NANO_USD
        return CallUsage(
            model=self.calls[-1].model,
            prompt_version=PROMPT_VERSION,
            request_id=self.request_id,
            calls=len(self.calls),
            input_tokens=tokens.input_tokens,
            cached_tokens=tokens.cached_tokens,
            output_tokens=tokens.output_tokens,
            reasoning_tokens=tokens.reasoning_tokens,
            cost_usd=cost_usd if all(call.priced for call in self.calls) else None,
            estimated=any(call.usage is None for call in self.calls),
        )


class PaidCalls:
    """Reserves and settles calls with `account`; a reply has at most `reply_tokens`."""

    def __init__(self, account: SpendingAccount, prices: Prices, reply_tokens: int) -> None:
        self._account = account
        self._prices = prices
        self._reply_tokens = reply_tokens

    async def reserve(self, request: Request, model: str, tally: CallTally) -> Reservation:
        """Reserve the most that `request` to `model` can use.

        Raises as `SpendingAccount.reserve`.
        """
        input_tokens = most_input_tokens(request)
        price = self._prices.of(model)
        nano_usd = price.most_nano_usd(input_tokens, self._reply_tokens) if price else 0
        most_tokens = input_tokens + self._reply_tokens
        return await self._account.reserve(tally.school, model, most_tokens, nano_usd, tally.tenant)

    async def settle(self, reserved: Reservation, model: str, usage: TokenUsage | None, tally: CallTally) -> Used:
        """Charge what was used; what is unknown stays charged as reserved, as it does where the ledger is away."""
        price = self._prices.of(model)
        nano_usd = reserved.nano_usd
        if usage is not None:
            nano_usd = price.nano_usd(usage) if price else 0
        used = Used(model, usage, nano_usd, priced=price is not None)
        tally.calls.append(used)
        await self._settle(reserved, used)
        return used

    async def cancel(self, reserved: Reservation) -> None:
        """Give everything back: of a call that was not made, or that nobody bills."""
        await self._settle(reserved, Used(reserved.model, None, 0, sent=False))

    async def hold(self, seconds: float) -> None:
        """Hold all who share the account: the provider says that its own limit is used up."""
        with suppress(LimitUnavailable):
            await self._account.hold(seconds)

    async def _settle(self, reserved: Reservation, used: Used) -> None:
        with suppress(LimitUnavailable):
            await self._account.settle(reserved, used)

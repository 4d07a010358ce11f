"""An account that all workers share, in Redis 7+ or Valkey 8+: one script call a decision, by the server's clock."""

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from streams.limits import LimitUnavailable
from streams.limits.redis import asked
from streams.spending.account import (
    ACCOUNT,
    Balance,
    OnCrossed,
    RecordRow,
    Reservation,
    TenantBalance,
    Used,
    ignore_crossed,
    refusal,
    rows_of_reservation,
    rows_of_settlement,
    sums_by_model,
    tokens_used,
)
from streams.spending.answers import Crossed, NoRoom, Reserved, Spent
from streams.spending.limits import ALL, NO_TENANT, TENANT, ScopeLimits, SpendingLimits, is_tenant, tenant_scope
from streams.spending.periods import PERIODS, Now, day_of
from streams.spending.script import SPENDING_LUA

_VOUCHED: Final = 3
_NOT_FULL: Final = (False, False, False)
_FIELD: Final = "\x1f"
_NUMBER: Final = re.compile(rb"-?\d{1,16}")
_SUM: Final = re.compile(r"(\d{1,16}) (\d{1,16}) ")
DayRecord = dict[tuple[str, str], dict[str, int]]
"""What was spent of a day, by model and school: `calls`, `nano_usd`, `reserved`, `unpriced` and the tokens."""


class RedisAccount:
    """Implements SpendingAccount for all workers that use the same server and `prefix`.

    Remembers the sums that it saw last, and vouches for them when the server has lost them. `unreadable` counts values
    that people asked for and that are none: they are left out.
    `clock_us` is for tests and simulations only: without it, the server's own clock decides.
    """

    def __init__(
        self,
        client: Redis,
        limits: SpendingLimits,
        *,
        prefix: str = "skillstream",
        on_crossed: OnCrossed = ignore_crossed,
        clock_us: Callable[[], int] | None = None,
    ) -> None:
        self.limits = limits
        self.balance: Balance | None = None
        self.unreadable = 0
        self.seen: dict[str, tuple[Spent, Spent, Spent]] = {}
        self._full: dict[str, tuple[bool, bool, bool]] = {}
        self._client = client
        self._key = f"{prefix}:spending:{{{ACCOUNT}}}"
        self._on_crossed = on_crossed
        self._clock_us = clock_us
        self._generation: str | None = None
        self._script = client.register_script(SPENDING_LUA)
        self._limits = {"all": _given(limits.deployment), "school": _given(limits.school)}
        self._shown = [tenant_scope(name) for name in limits.tenants_of_money]

    async def reserve(
        self, school: str, model: str, tokens: int, nano_usd: int, tenant: str = NO_TENANT
    ) -> Reservation:
        rows = _rows(rows_of_reservation(model, nano_usd))
        answer = await self._run("reserve", tenant, school=school, tokens=tokens, nano=nano_usd, rows=rows)
        if (no := answer.get("refused")) is not None:
            refused = NoRoom(no["limit"], int(no["wait"]), no["money"], no["unknown"], no["never"])
            raise refusal(refused, tokens, nano_usd, self.limits, tenant)
        scope, second, periods = answer["admitted"]
        admitted = Reserved(scope, int(second), Now(*map(int, periods)), nano_usd, tenant)
        return Reservation(school, model, tokens, nano_usd, admitted)

    async def settle(self, reservation: Reservation, used: Used) -> None:
        scope, second, periods, reserved_nano_usd, tenant = reservation.admitted
        await self._run(
            "settle",
            tenant,
            scope=scope,
            second=second,
            periods=periods,
            reserved=reserved_nano_usd,
            tokens=tokens_used(reservation, used) - reservation.tokens,
            nano=used.nano_usd * used.sent - reservation.nano_usd,
            rows=_rows(rows_of_settlement(reservation, used)),
        )

    async def absorb(self, school: str, nano_usd: int, rows: Sequence[RecordRow], tenant: str = NO_TENANT) -> None:
        """Add what was spent while the ledger was out of reach."""
        await self._run("settle", tenant, school=school, tokens=0, nano=nano_usd, rows=_rows(rows))

    async def hold(self, seconds: float) -> None:
        await self._run("hold", wait=round(seconds * 1e6))

    async def begin(self) -> None:
        await self._run("begin")

    async def look(self) -> Balance:
        await self._run("look", tenants=self._shown)
        assert self.balance is not None
        return self.balance

    async def begun(self) -> bool:
        """Whether there is a ledger. Raises LimitUnavailable where something else is in its place."""
        kind = (await asked(ACCOUNT, self._client.type(self._key))).decode()
        if kind not in ("hash", "none"):
            said = f"the key {self._key} is a {kind} and no ledger; a worker that runs replaces it, or delete it"
            raise LimitUnavailable(ACCOUNT, said)
        return bool(await asked(ACCOUNT, self._client.hexists(self._key, "generation")))

    async def days(self, numbers: Sequence[int]) -> dict[str, DayRecord]:
        """What was spent on these days, by date; days without any are left out."""
        questions = self._client.pipeline(transaction=False)
        for number in numbers:
            questions.hgetall(f"{self._key}:{number}")
        answers: list[Mapping[bytes, bytes] | ResponseError]
        answers = await asked(ACCOUNT, questions.execute(raise_on_error=False))
        days = ((day_of(number), self._record(stored)) for number, stored in zip(numbers, answers, strict=True))
        return {day.isoformat(): record for day, record in days if record}

    async def schools(self) -> dict[str, tuple[Spent, Spent, Spent]]:
        """The last sums of each school, whatever period they are of."""
        return await self._last_sums(lambda scope: scope != ALL and not is_tenant(scope))

    async def tenants(self) -> dict[str, tuple[Spent, Spent, Spent]]:
        """Those of each tenant."""
        sums = await self._last_sums(is_tenant)
        return {scope.removeprefix(TENANT): spent for scope, spent in sums.items()}

    async def aclose(self) -> None:
        await self._client.aclose()

    def _tenants_seen(self, full: Mapping[str, Sequence[bool]]) -> dict[str, TenantBalance]:
        """As the last answers said of each; `full` is what this one does."""
        for scope, flags in full.items():
            self._full[scope] = _three(flags)
        scopes = ((name, tenant_scope(name)) for name in self.limits.tenants_of_money)
        return {
            name: TenantBalance(self.seen[scope], self._full.get(scope, _NOT_FULL))
            for name, scope in scopes
            if scope in self.seen
        }

    async def _last_sums(self, wanted: Callable[[str], bool]) -> dict[str, tuple[Spent, Spent, Spent]]:
        stored: Mapping[bytes, bytes] = await asked(ACCOUNT, self._client.hgetall(self._key))
        texts = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in stored.items()}
        scopes = sorted(name[2:] for name in texts if name.startswith("m:") and wanted(name[2:]))
        return {scope: sums for scope in scopes if (sums := self._last(texts, scope)) is not None}

    def _record(self, stored: Mapping[bytes, bytes] | ResponseError) -> DayRecord:
        record: DayRecord = {}
        if isinstance(stored, ResponseError):  # a key of another kind
            self.unreadable += 1
            return record
        for field, value in stored.items():
            match field.decode("utf-8", "replace").split(_FIELD), _NUMBER.fullmatch(value):
                case [model, school, name], re.Match():
                    record.setdefault((model, school), {})[name] = int(value)
                case _:
                    self.unreadable += 1
        return record

    def _last(self, texts: Mapping[str, str], scope: str) -> tuple[Spent, Spent, Spent] | None:
        found = [_SUM.match(texts.get(f"{initial}:{scope}", "")) for initial in "dwm"]
        sums = [Spent(int(sum_[1]), int(sum_[2])) for sum_ in found if sum_ is not None]
        if len(sums) < len(found):
            self.unreadable += 1
            return None
        day, week, month = sums
        return day, week, month

    async def _run(self, op: str, tenant: str = NO_TENANT, **arguments: Any) -> dict[str, Any]:
        request = {"op": op, "limits": self._limits, "nonce": secrets.token_hex(8), **arguments}
        if tenant:
            scope = tenant_scope(tenant)
            request |= {"tenant": scope, "limits": {**self._limits, "tenant": _given(self.limits.of(scope))}}
        for _ in range(_VOUCHED):
            answer = await self._send({**request, "generation": self._generation})
            if "vouch" not in answer:
                return self._seen_in(answer)
            await self._vouch(answer["vouch"])
        raise LimitUnavailable(ACCOUNT, "the ledger of spending changes all the time")

    async def _vouch(self, generation: str) -> None:
        sums = {scope: [[s.number, s.nano_usd] for s in spent] for scope, spent in self.seen.items()}
        nonce = secrets.token_hex(8)
        request = {"op": "vouch", "limits": self._limits, "nonce": nonce, "generation": generation, "sums": sums}
        self._seen_in(await self._send(request))

    async def _send(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._clock_us is not None:
            request = {**request, "now": self._clock_us()}
        if request["generation"] is None:
            request = {name: value for name, value in request.items() if name != "generation"}
        answer = await asked(ACCOUNT, self._script(keys=[self._key, f"{self._key}:"], args=[json.dumps(request)]))
        decoded: dict[str, Any] = json.loads(answer)
        return decoded

    def _seen_in(self, answer: dict[str, Any]) -> dict[str, Any]:
        self._generation = answer["generation"]
        for scope, sums in answer["sums"].items():
            day, week, month = (Spent(int(number), int(nano)) for number, nano in sums)
            self.seen[scope] = day, week, month
        self.balance = Balance(
            int(answer["now"]),
            self.seen[ALL],
            int(answer["tokens"]),
            _three(answer["unknown"]),
            _three(answer["full"]),
            self._tenants_seen(answer["tenants_full"]),
        )
        for scope, period, level in answer["crossed"] or ():
            self._on_crossed(Crossed(scope, period, level))
        return answer


def _three(flags: Sequence[bool]) -> tuple[bool, bool, bool]:
    day, week, month = flags
    return day, week, month


def _given(limits: ScopeLimits) -> dict[str, int]:
    given = [("tokens", limits.tokens_per_minute), *((period, limits.money(period)) for period in PERIODS)]
    return {name: limit for name, limit in given if limit is not None}


def _rows(rows: Sequence[RecordRow]) -> list[dict[str, Any]]:
    return [{"model": model, "add": add} for model, add in sums_by_model(rows).items() if add]

"""Redis or Valkey: whether it answers, may run the limits' script, and keeps what it is given."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError

from agents.config.settings import Settings
from agents.metrics import Metrics
from agents.operations.doctor.finding import Finding, ok, problem, warning
from agents.reasoning.setup import make_limiter, redis_address
from streams.limits import Limiter, LimitUnavailable
from streams.limits.redis import connect
from streams.reasoning.policy.settings import LIMITER

_KEEPS_ALL: Final = "noeviction"
_PROBE: Final = "return redis.call('EXISTS', KEYS[1])"


@dataclass(frozen=True, slots=True)
class BudgetCheck:
    """Implements Check: what keeps the budget of calls."""

    settings: Settings
    name: str = "redis"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises SettingsError where the limits cannot be shared among the workers that are expected."""
        settings = self.settings
        if settings.reasoning == "off":
            yield ok("not used: there are no explanations")
            return
        try:
            limiter = make_limiter(settings, Metrics())
        except ValueError as error:  # of the URL; it does not quote the URL
            yield problem(f"SKILLSTREAM_REDIS_URL: {error}", "write redis://host:port/0, or rediss:// with TLS")
            return
        if settings.redis_url is None:
            yield self._without()
            return
        yield from asyncio.run(self._ask(limiter, settings.redis_url))

    def _without(self) -> Finding:
        if self.settings.expected_workers > 1:
            return warning(
                f"not used: each of {self.settings.expected_workers} workers keeps to its share of the budget",
                "set SKILLSTREAM_REDIS_URL, so that they share what is left",
            )
        return ok("not used: the one worker keeps the budget itself (SKILLSTREAM_REDIS_URL is not set)")

    async def _ask(self, limiter: Limiter, url: str) -> list[Finding]:
        where = redis_address(url)
        try:
            await limiter.ping()
        except LimitUnavailable as error:
            said = f"no Redis answers at {where}: {error}; a worker starts, and spends its own share of the budget"
            return [warning(said, "is it running, and is SKILLSTREAM_REDIS_URL right?")]
        finally:
            await limiter.aclose()
        async with connect(url) as client:
            found = [*await self._script(client), *await _keeping(client)]
            version = await _version(client)
        return found or [
            ok(f"{version} at {where} answers, runs scripts, evicts nothing, and keeps what it has on disk")
        ]

    async def _script(self, client: Redis) -> list[Finding]:
        key = f"{self.settings.app_id}:limit:{{{LIMITER}}}"
        try:
            await client.eval(_PROBE, 1, key)
        except RedisError as error:
            advice = f"allow scripts, TIME, and commands of hashes on keys {self.settings.app_id}:limit:*"
            said = f"the limits' script may not be run ({type(error).__name__}): each worker spends its own share"
            return [warning(said, advice)]
        return []


async def _keeping(client: Redis) -> list[Finding]:
    try:
        memory, persistence = await client.info("memory"), await client.info("persistence")
    except NoPermissionError:
        return [warning("INFO is not allowed: eviction and persistence are not known", "see that it evicts nothing")]
    found = []
    policy = memory.get("maxmemory_policy", _KEEPS_ALL)
    if memory.get("maxmemory") and policy != _KEEPS_ALL:
        found.append(
            warning(
                f"maxmemory-policy is {policy}: a budget that is evicted starts empty, and explanations wait",
                f"CONFIG SET maxmemory-policy {_KEEPS_ALL}",
            )
        )
    if not await _persists(client, persistence):
        found.append(
            warning(
                "it keeps nothing on disk: after a restart the budget starts empty, and explanations wait",
                "CONFIG SET appendonly yes",
            )
        )
    return found


async def _persists(client: Redis, persistence: Mapping[str, Any]) -> bool:
    if persistence.get("aof_enabled"):
        return True
    try:
        return bool((await client.config_get("save")).get("save"))
    except RedisError:  # managed servers keep CONFIG to themselves, and mostly save by themselves
        return True


async def _version(client: Redis) -> str:
    try:
        server = await client.info("server")
    except RedisError:
        return "a server of unknown version"
    if "valkey_version" in server:
        return f"Valkey {server['valkey_version']}"
    return f"Redis {server.get('redis_version')}"

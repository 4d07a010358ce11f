"""The servers that explanations need: Redis or Valkey, which keeps the budget of calls, and the model's.

Redis answers, may run the limits' script, and keeps what it is given. The model's server takes the key, and serves a
model that is configured; no call is spent. Nothing of the models keeps a worker from scoring, so these are warnings,
unless explanations are required.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError

from agents.config.settings import Settings
from agents.operations.doctor.check import Finding, ok, problem, warning
from agents.reasoning.setup import make_openai_model, redis_address
from streams.limits.redis import connect
from streams.reasoning.model.catalogue import Served, choose_model, names_of
from streams.reasoning.model.reasoning_model import ModelBlocked, ModelError
from streams.reasoning.policy.settings import LIMITER

if TYPE_CHECKING:
    from streams.reasoning.model.openai_model import Listing

_KEEPS_ALL: Final = "noeviction"
_PROBE: Final = "return redis.call('EXISTS', KEYS[1])"
_WITHOUT: Final = "a worker starts without explanations, and keeps trying"


@dataclass(frozen=True, slots=True)
class BudgetCheck:
    """Implements Check: what keeps the budget of calls."""

    settings: Settings
    name: str = "redis"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Finds out what becomes of the limits."""
        settings = self.settings
        if settings.reasoning == "off":
            yield ok("not used: there are no explanations")
            return
        if settings.redis_url is None:
            yield self._without()
            return
        try:
            client = connect(settings.redis_url)
        except ValueError as error:  # of the URL; it does not quote the URL
            yield problem(f"SKILLSTREAM_REDIS_URL: {error}", "write redis://host:port/0, or rediss:// with TLS")
            return
        yield from asyncio.run(self._ask(client, settings.redis_url))

    def _without(self) -> Finding:
        if self.settings.expected_workers > 1:
            return warning(
                "not used: each worker keeps to its partitions' share of the budget",
                "set SKILLSTREAM_REDIS_URL, so that they share what is left",
            )
        return ok("not used: one worker has all partitions, and the budget (SKILLSTREAM_REDIS_URL is not set)")

    async def _ask(self, client: Redis, url: str) -> list[Finding]:
        where = redis_address(url)
        async with client:
            try:
                await client.ping()
            except (RedisError, OSError) as error:
                name = type(error).__name__
                said = (
                    f"no Redis answers at {where} ({name}: {error}); a worker starts, and spends its own share of calls"
                )
                return [warning(said, "is it running, and is SKILLSTREAM_REDIS_URL right?")]
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
            advice = (
                "allow scripts, TIME, TYPE, DEL, PEXPIRE, PTTL and commands of strings, hashes and sorted sets on keys "
                f"{self.settings.app_id}:*, and INFO, by which a restart is noticed at once"
            )
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


@dataclass(frozen=True, slots=True)
class Models:
    """Implements Check. Asks GET /v1/models, as a worker does at its start."""

    settings: Settings
    name: str = "models"
    decides: bool = False

    def run(self) -> Iterator[Finding]:
        """Raises SettingsError or Fatal where a worker would."""
        if self.settings.explained_by != "openai":
            yield ok(f"not asked: explanations are {self.settings.explained_by}")
            return
        if not self.settings.openai_api_key:
            yield warning("not asked: there is no key")
            return
        yield asyncio.run(self._ask())

    async def _ask(self) -> Finding:
        model = make_openai_model(self.settings)
        try:
            listing = await model.listing()
        except ModelError as error:
            return warning(f"{error}: {_WITHOUT}", "is OPENAI_BASE_URL right?")
        finally:
            await model.aclose()
        return self._findings(listing, only_listed=model.is_openai)

    def _findings(self, listing: "Listing", *, only_listed: bool) -> Finding:
        if listing.problem is not None:
            return self._refused(listing.problem)
        wanted, served = self.settings.openai_models, listing.served
        chosen = choose_model(wanted, served, datetime.now(UTC).date(), only_listed=only_listed)
        advice = "see SKILLSTREAM_OPENAI_MODELS"
        if chosen is None:
            return self._refused(ModelBlocked(f"none of {', '.join(wanted)} is served ({names_of(served)})"), advice)
        if served is None:
            return warning(f"the server does not list its models: {chosen.model} is asked unseen")
        if not chosen.listed:
            said = f"the server does not list {chosen.model} ({names_of(served)}): it is asked unseen"
            return warning(said, advice)
        dates = "; ".join(f"{name} {_until(name, served)}" for name in wanted)
        if chosen.model != wanted[0]:
            return warning(f"{chosen.model} is used, not the first of the list ({dates})", advice)
        return ok(f"the key is taken, {chosen.model} is used ({dates})")

    def _refused(self, error: ModelError, advice: str = "") -> Finding:
        if self.settings.reasoning_required and isinstance(error, ModelBlocked):
            return problem(f"{error}: SKILLSTREAM_REASONING_REQUIRED is set, and a worker does not start", advice)
        return warning(f"{error}: {_WITHOUT}", advice)


def _until(name: str, served: Sequence[Served]) -> str:
    found = next((model for model in served if model.is_called(name)), None)
    if found is None:
        return "is not served"
    return f"is served until {found.shutdown_date}" if found.shutdown_date else "is served"

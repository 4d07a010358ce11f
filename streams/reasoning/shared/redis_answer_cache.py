"""Kept answers in Redis 7+ or Valkey 8+, for all workers that use the same server and prefix.

    <prefix>:answers:{openai_reasoning}         hash: name -> when it was kept (µs), a space, the answer
    <prefix>:answers-used:{openai_reasoning}    sorted set: name, by when it was last found or kept (µs)

What is there and is none of ours is a miss, and goes when it is met. Both keys expire with the newest answer.
"""

from collections.abc import Callable
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.reasoning.policy.settings import LIMITER
from streams.reasoning.shared.answer_cache import CachedAnswer, decoded_answer, encoded_answer

_BEGIN_LUA: Final = """
local answers, used, name, ttl = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local now = tonumber(ARGV[3])
if not now then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
end

local function is_other(key, type)
  local found = redis.call('TYPE', key).ok
  return found ~= type and found ~= 'none'
end
if is_other(answers, 'hash') or is_other(used, 'zset') then redis.call('DEL', answers, used) end
"""
_FIND_LUA: Final = (
    _BEGIN_LUA
    + """
local kept = redis.call('HGET', answers, name)
if not kept then return false end
local at, answer = string.match(kept, '^(%d+) (.*)$')
at = at and #at <= 16 and tonumber(at)
if not at or at > now or now - at >= ttl then
  redis.call('HDEL', answers, name)
  redis.call('ZREM', used, name)
  return false
end
redis.call('ZADD', used, now, name)
return answer
"""
)
_KEEP_LUA: Final = (
    _BEGIN_LUA
    + """
redis.call('HSET', answers, name, string.format('%.0f', now) .. ' ' .. ARGV[4])
redis.call('ZADD', used, now, name)
local most, evicted = tonumber(ARGV[5]), 0
-- A hundred at a time: a bound that was lowered is reached without holding the server up.
while evicted < 100 and redis.call('ZCARD', used) > most do
  redis.call('HDEL', answers, redis.call('ZPOPMIN', used)[1])
  evicted = evicted + 1
end
-- What the order does not know would stay for ever.
if redis.call('HLEN', answers) > redis.call('ZCARD', used) then redis.call('DEL', answers, used) end
redis.call('PEXPIRE', answers, math.ceil(ttl / 1000))
redis.call('PEXPIRE', used, math.ceil(ttl / 1000))
return evicted
"""
)


class RedisAnswerCache:
    """Implements AnswerCache. `clock_us` is for tests only: without it the server's own clock decides.

    While Redis is away nothing is found, and nothing kept.
    """

    def __init__(
        self,
        client: Redis,
        most: int,
        ttl_s: float,
        *,
        prefix: str = "skillstream",
        evicted: Callable[[int], None] = lambda number: None,
        clock_us: Callable[[], int] | None = None,
    ) -> None:
        self.keys = (f"{prefix}:answers:{{{LIMITER}}}", f"{prefix}:answers-used:{{{LIMITER}}}")
        self._client = client
        self._most = most
        self._ttl_us = round(ttl_s * 1e6)
        self._evicted = evicted
        self._clock_us = clock_us
        self._find = client.register_script(_FIND_LUA)
        self._keep = client.register_script(_KEEP_LUA)

    async def find(self, name: str) -> CachedAnswer | None:
        try:
            value = await self._find(keys=self.keys, args=self._arguments(name))
        except (RedisError, OSError):
            return None
        return decoded_answer(value) if isinstance(value, bytes) else None

    async def keep(self, name: str, answer: CachedAnswer) -> None:
        value = encoded_answer(answer)
        if value is None:
            return
        try:
            evicted = await self._keep(keys=self.keys, args=[*self._arguments(name), value, self._most])
        except (RedisError, OSError):
            return
        if evicted:
            self._evicted(int(evicted))

    async def aclose(self) -> None:
        await self._client.aclose()

    def _arguments(self, name: str) -> list[Any]:
        return [name, self._ttl_us, "" if self._clock_us is None else self._clock_us()]

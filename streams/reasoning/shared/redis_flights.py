"""Calls under way, in Redis 7+ or Valkey 8+, for all workers that use the same server and prefix.

    <prefix>:flight:<keyed hash of the student>     "owner epoch offset", until the longest call's time is over

What is there and is none of ours does not count.
"""

import secrets
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.reasoning.policy.pending import Sequence
from streams.reasoning.shared.keyed_hash import KeyedHash

_NOTED_LUA: Final = """
local key, me = KEYS[1], ARGV[1]
local noted = redis.call('TYPE', key).ok == 'string' and redis.call('GET', key) or ''
local owner, epoch, offset = string.match(noted, '^(%x+) (%d+) (%d+)$')
"""
_BEGIN_LUA: Final = (
    _NOTED_LUA
    + """
local seq, explained, longest_ms = ARGV[2], {tonumber(ARGV[3]), tonumber(ARGV[4])}, tonumber(ARGV[5])
if owner and owner ~= me then
  epoch, offset = tonumber(epoch), tonumber(offset)
  local left_ms = redis.call('PTTL', key)
  local is_over = epoch < explained[1] or (epoch == explained[1] and offset <= explained[2])
  if not is_over and left_ms > 0 and left_ms <= longest_ms then return left_ms end
end
redis.call('SET', key, me .. ' ' .. seq, 'PX', longest_ms)
return 0
"""
)
_END_LUA: Final = (
    _NOTED_LUA
    + """
if owner == me then redis.call('DEL', key) end
return 0
"""
)


class RedisFlights:
    """Implements Flights. While Redis is away every worker makes its calls: those under way may be made twice."""

    def __init__(self, client: Redis, keyed_hash: KeyedHash, longest_s: float, *, prefix: str = "skillstream") -> None:
        self._client = client
        self._keyed_hash = keyed_hash
        self._longest_ms = max(1, round(longest_s * 1e3))
        self._prefix = prefix
        self._owner = secrets.token_hex(8)
        self._begin = client.register_script(_BEGIN_LUA)
        self._end = client.register_script(_END_LUA)

    def key(self, student: bytes) -> str:
        """Where the note about a student is."""
        return f"{self._prefix}:flight:{self._keyed_hash(b'student', student)}"

    async def begin(self, student: bytes, seq: Sequence, explained: Sequence) -> float:
        arguments: list[str | int] = [self._owner, f"{seq[0]} {seq[1]}", *explained, self._longest_ms]
        try:
            left_ms: int = await self._begin(keys=[self.key(student)], args=arguments)
        except (RedisError, OSError):
            return 0.0
        return left_ms / 1e3

    async def end(self, student: bytes) -> None:
        try:
            await self._end(keys=[self.key(student)], args=[self._owner])
        except (RedisError, OSError):
            return  # it ends by itself

    async def aclose(self) -> None:
        await self._client.aclose()

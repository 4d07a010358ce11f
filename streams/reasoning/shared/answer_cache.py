"""Answers that passed the check, kept for requests that are the same to the byte; here in this process."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from streams.limits.memory import monotonic_us
from streams.reasoning.model.reasoning_model import Draft

MAX_ANSWER_BYTES: Final = 16_384
"""Of a longer one nothing is kept."""


class CachedAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Claims of the model that names itself `model`, their slots not filled."""

    model: str
    draft: Draft


class AnswerCache(Protocol):
    """Answers by name, a bounded number for a bounded time; of more, those go that were not used for longest."""

    async def find(self, name: str) -> CachedAnswer | None:
        """None where there is none, or none that can be read, or nobody can say. Never raises."""
        ...

    async def keep(self, name: str, answer: CachedAnswer) -> None:
        """Keep it, in place of an earlier one. Never raises."""
        ...

    async def aclose(self) -> None:
        """Let go of connections. Idempotent."""
        ...


def encoded_answer(answer: CachedAnswer) -> bytes | None:
    """As it is kept; None if it is too long to be."""
    value = msgspec.json.encode(answer)
    return value if len(value) <= MAX_ANSWER_BYTES else None


def decoded_answer(value: bytes) -> CachedAnswer | None:
    """What was kept; None for what is no answer."""
    if len(value) > MAX_ANSWER_BYTES:
        return None
    try:
        return _ANSWERS.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class MemoryAnswerCache:
    """Implements AnswerCache for this process: `most` for `ttl_s`; `evicted` hears of how many made room."""

    def __init__(
        self,
        most: int,
        ttl_s: float,
        *,
        evicted: Callable[[int], None] = lambda number: None,
        clock_us: Callable[[], int] = monotonic_us,
    ) -> None:
        self._most = most
        self._ttl_us = round(ttl_s * 1e6)
        self._evicted = evicted
        self._clock_us = clock_us
        self._cached: OrderedDict[str, tuple[int, bytes]] = OrderedDict()

    async def find(self, name: str) -> CachedAnswer | None:
        stored_us, value = self._cached.get(name, (0, b""))
        if not value:
            return None
        if self._clock_us() - stored_us >= self._ttl_us:
            del self._cached[name]
            return None
        self._cached.move_to_end(name)
        return decoded_answer(value)

    async def keep(self, name: str, answer: CachedAnswer) -> None:
        value = encoded_answer(answer)
        if value is None:
            return
        self._cached[name] = self._clock_us(), value
        self._cached.move_to_end(name)
        if len(self._cached) > self._most:
            self._cached.popitem(last=False)
            self._evicted(1)

    async def aclose(self) -> None:
        """Nothing to let go of."""


_ANSWERS: Final = msgspec.json.Decoder(CachedAnswer)

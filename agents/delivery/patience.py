"""Asks the broker until it answers: what has to be known, or written, before anything is folded."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from agents.delivery.errors import SessionLost
from agents.delivery.fence import Fence
from agents.delivery.outage import BrokerRequest, Outage
from agents.kafka.errors import BrokerUnavailable, NoSuchTopic

_ASK_AGAIN_S: Final = 0.5
_T = TypeVar("_T")


async def until_fresh(fence: Fence, what: str) -> None:
    """Wait until the group has confirmed that our partitions are ours. Raises SessionLost, saying what is not done."""
    while not fence.fresh:
        if fence.lost is not None:
            raise SessionLost(f"{what}: the partition may be another worker's")
        await asyncio.sleep(_ASK_AGAIN_S)


class Patience:
    """For one kind of request, every `again_s`. `lock` is held meanwhile: clients are of one thread at a time."""

    def __init__(self, outage: Outage, what: BrokerRequest, again_s: float = _ASK_AGAIN_S) -> None:
        self.lock = asyncio.Lock()
        self._outage, self._what, self._again_s = outage, what, again_s

    async def ask(self, ask: Callable[[], _T]) -> _T:
        """What `ask`, which blocks, returns as soon as the broker answers."""
        try:
            while True:
                try:
                    async with self.lock:
                        return await asyncio.to_thread(ask)
                except (BrokerUnavailable, NoSuchTopic) as unknown:
                    self._outage.begin(self._what, unknown)
                await asyncio.sleep(self._again_s)
        finally:
            self._outage.back(self._what)

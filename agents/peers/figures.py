"""Figures of one worker, and of the whole group: asked of all workers at once when somebody wants them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from time import monotonic
from typing import Any, Final

import msgspec
import orjson

from agents.peers.group import Peer, WorkerGroup
from agents.peers.own import OwnWorker
from agents.peers.peers import Peers
from agents.peers.request import MISDIRECTED, PeerRequests, PeerUnreachable

FIGURES_PATH: Final = "/worker/figures"
_MAX_AGE_S: Final = 1.0
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

FigurePart = Callable[[], Awaitable[Any]]
"""Some figures, as JSON."""


class WorkerFigures:
    """What a worker says of itself: its announcement, and `parts` under their names."""

    def __init__(self, own: OwnWorker, parts: Mapping[str, FigurePart]) -> None:
        self._own, self._parts = own, parts

    async def now(self) -> dict[str, Any]:
        """As JSON."""
        figures = {name: await part() for name, part in self._parts.items()}
        return {"worker": msgspec.to_builtins(self._own.announcement()), **figures}


class GroupFigures:
    """Of all workers: `state` is `live`, or `away` for one that did not answer, with the reason.

    Who asks within a second gets the same answer; whoever may see one worker's figures may see all.
    """

    def __init__(
        self,
        peers: Peers,
        own: WorkerFigures,
        requests: PeerRequests,
        partitions: int,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self._peers, self._own, self._requests = peers, own, requests
        self._partitions, self._clock_s = partitions, clock_s
        self._turn = asyncio.Lock()
        self._asked: tuple[float, dict[str, Any]] | None = None

    async def now(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """As JSON; `headers` are the caller's. `partial` names the workers that are away."""
        async with self._turn:
            if self._asked is None or self._clock_s() - self._asked[0] >= _MAX_AGE_S:
                group = await self._peers.group()
                self._asked = self._clock_s(), await self._ask(group, headers)
            return self._asked[1]

    async def _ask(self, group: WorkerGroup, headers: Mapping[str, str]) -> dict[str, Any]:
        workers = await asyncio.gather(*(self._of(peer, headers) for peer in group.workers))
        return {
            "workers": workers,
            "partial": [worker["instance"] for worker in workers if worker["state"] == "away"],
            "unowned": group.unowned(self._partitions),
            "problem": group.problem,
        }

    async def _of(self, peer: Peer, headers: Mapping[str, str]) -> dict[str, Any]:
        said = {
            "instance": peer.instance,
            "url": peer.announced.url,
            "announced_s_ago": round(max(0.0, peer.age_s), 3),
            "partitions": peer.partitions,
        }
        try:
            figures = await self._own.now() if peer.is_self else await self._figures(peer, headers)
        except PeerUnreachable as error:
            return {**said, "state": "away", "problem": str(error), "figures": None}
        return {**said, "state": "live", "problem": None, "figures": figures}

    async def _figures(self, peer: Peer, headers: Mapping[str, str]) -> dict[str, Any]:
        if not peer.is_live:
            raise PeerUnreachable(f"not heard of for {peer.age_s:.0f} s")
        answer = await self._requests.get(peer, FIGURES_PATH, headers)
        if answer.status == MISDIRECTED:
            raise PeerUnreachable("another worker answers there: set its SKILLSTREAM_ADVERTISED_URL")
        if answer.status in _REFUSED:
            raise PeerUnreachable("it refuses the token: all workers need the same SKILLSTREAM_WEB_TOKEN")
        try:
            figures = orjson.loads(answer.body)
        except ValueError:
            figures = None
        if answer.status != HTTPStatus.OK or not isinstance(figures, dict):
            raise PeerUnreachable(f"it answers with status {answer.status}")
        return figures

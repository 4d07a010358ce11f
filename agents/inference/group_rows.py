"""Stored rows of the whole group: this worker's own, and those of others asked of them, all at once.

    keys ──partition──► own rows
                    └─► POST /inference/rows to each other owner ──► rows, or why they cannot be had

Rows travel as they are stored, so that the worker that is asked for scores does the work, and the owner only looks up.
"""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from agents.inference.rows import NOT_OWNED, NoteRows, OwnRows
from agents.peers import Peer, PeerRequests, Peers, PeerUnreachable
from streams.inference.overlay import FoundRow, Unavailable

ROWS_PATH: Final = "/inference/rows"
MSGPACK: Final = "application/msgpack"
MAX_KEYS: Final = 80
"""Of one request to another worker: rows of the largest size fit into its answer."""
_MAX_BODY_BYTES: Final = 256 * 1024
_KEYS: Final = msgspec.msgpack.Decoder(list[bytes])
_ROWS: Final = msgspec.msgpack.Decoder(list[FoundRow])


class GroupRows:
    """Of one request, whose `headers` are passed on: another worker asks for the same token."""

    def __init__(
        self, own: OwnRows, peers: Peers, requests: PeerRequests, headers: Mapping[str, str], note: NoteRows
    ) -> None:
        """Own rows are recorded by `note`; others' their owners record."""
        self._own, self._peers, self._requests, self._headers, self._note = own, peers, requests, headers, note

    async def __call__(self, keys: Sequence[bytes]) -> list[FoundRow]:
        """A FindRows. What another worker does not tell in time is Unavailable."""
        found = await self._own.read(keys, self._note)
        missing = [index for index, row in enumerate(found) if row is NOT_OWNED]
        if not missing:
            return found
        for index, row in zip(missing, await self._of_others([keys[index] for index in missing]), strict=True):
            found[index] = row
        return found

    async def _of_others(self, keys: Sequence[bytes]) -> list[FoundRow]:
        group = await self._peers.group()
        found: list[FoundRow] = [NOT_OWNED] * len(keys)
        asked: dict[str, tuple[Peer, list[int]]] = {}
        for index, partition in enumerate(self._own.partitions_of(keys)):
            owner = group.owner(partition) if partition is not None else None
            if owner is not None and owner.is_live and not owner.is_self:
                asked.setdefault(owner.instance, (owner, []))[1].append(index)
        asking = (self._ask(peer, [keys[index] for index in of_peer]) for peer, of_peer in asked.values())
        for (_, of_peer), rows in zip(asked.values(), await asyncio.gather(*asking), strict=True):
            for index, row in zip(of_peer, rows, strict=True):
                found[index] = row
        return found

    async def _ask(self, peer: Peer, keys: Sequence[bytes]) -> list[FoundRow]:
        try:
            rows: list[FoundRow] = []
            for first in range(0, len(keys), MAX_KEYS):
                rows += await self._ask_for(peer, keys[first : first + MAX_KEYS])
        except PeerUnreachable as error:
            return [Unavailable(NOT_OWNED.reason, f"{peer.instance}: {error}")] * len(keys)
        return rows

    async def _ask_for(self, peer: Peer, keys: Sequence[bytes]) -> list[FoundRow]:
        body = msgspec.msgpack.encode(list(keys))
        answer = await self._requests.post(peer, ROWS_PATH, self._headers, body)
        if answer.status != HTTPStatus.OK:
            raise PeerUnreachable(f"it answers with status {answer.status}")
        try:
            rows: list[FoundRow] = _ROWS.decode(answer.body)
        except msgspec.MsgspecError as error:
            raise PeerUnreachable("its answer cannot be read") from error
        if len(rows) != len(keys):
            raise PeerUnreachable("its answer is not about what it was asked for")
        return rows


async def answer_rows(own: OwnRows, note: NoteRows, request: web.Request) -> web.Response:
    """What this worker has of the keys that another asks for."""
    body = b""
    async for some in request.content.iter_any():
        body += some
        if len(body) > _MAX_BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(_MAX_BODY_BYTES, len(body))
    try:
        keys = _KEYS.decode(body)
    except msgspec.MsgspecError:
        raise web.HTTPBadRequest from None
    if len(keys) > MAX_KEYS:
        raise web.HTTPBadRequest
    return web.Response(body=msgspec.msgpack.encode(await own.read(keys, note)), content_type=MSGPACK)

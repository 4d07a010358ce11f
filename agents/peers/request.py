"""Asks another worker over HTTP: with the caller's own credentials, within a short deadline, and never further on.

A request names the worker that it is meant for. At a stale address, or one that leads back to this machine, another
worker would answer: it says 421 instead. It answers by itself, so that no request goes round in circles.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import aiohttp

from agents.config.sessions import own_cookies
from agents.display.plain import plain
from agents.metrics import Metrics
from agents.peers.group import Peer

ASKED_HEADER: Final = "Skillstream-Asked"
"""The instance that a worker asks."""
MISDIRECTED: Final = 421
PASSED_ON: Final = ("Authorization", "Accept")
"""What of a caller's headers the other worker sees, beside our cookies."""
_MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
_AT_ONCE: Final = 100


class PeerUnreachable(Exception):
    """A worker did not answer; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What it said, whatever the status."""

    status: int
    content_type: str
    body: bytes


class PeerRequests:
    """Of one worker. `timeout_s` is for a whole answer; at most a hundred are asked at once, others wait their turn.

    `trusted` checks the certificates of those that are asked over TLS; without it the system's CAs do. `passed_on` are
    further headers of a caller's that the other worker sees.
    """

    def __init__(
        self,
        metrics: Metrics,
        timeout_s: float,
        trusted: ssl.SSLContext | None = None,
        passed_on: Sequence[str] = (),
    ) -> None:
        self._metrics, self._timeout_s, self._trusted = metrics, timeout_s, trusted
        self._passed_on = (*PASSED_ON, *passed_on)
        self._session: aiohttp.ClientSession | None = None

    async def get(self, peer: Peer, path: str, headers: Mapping[str, str]) -> PeerAnswer:
        """The answer to a request for `path`, as it is sent: quoted. Raises PeerUnreachable."""
        return await self._ask(peer, "GET", path, headers, None)

    async def post(self, peer: Peer, path: str, headers: Mapping[str, str], body: bytes) -> PeerAnswer:
        """As `get`, with a body."""
        return await self._ask(peer, "POST", path, headers, body)

    async def _ask(
        self, peer: Peer, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> PeerAnswer:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._answer(peer, method, path, headers, body)
        except TimeoutError:
            self._metrics.peer_requests.add("timeout")
            raise PeerUnreachable(f"no answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._metrics.peer_requests.add("unreachable")
            raise PeerUnreachable(plain(f"{type(error).__name__}: {error}", 200)) from error
        self._metrics.peer_requests.add("misdirected" if answer.status == MISDIRECTED else "answered")
        return answer

    async def close(self) -> None:
        """Let go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _answer(
        self, peer: Peer, method: str, path: str, headers: Mapping[str, str], sent_body: bytes | None
    ) -> PeerAnswer:
        sent = {name: value for name in self._passed_on if (value := headers.get(name))}
        if cookies := own_cookies(headers.get("Cookie", "")):
            sent["Cookie"] = cookies
        sent[ASKED_HEADER] = quote(peer.instance)
        url = peer.announced.url + path
        async with self._opened().request(method, url, headers=sent, data=sent_body, allow_redirects=False) as response:
            body = await response.content.read(_MAX_ANSWER_BYTES + 1)
            while not response.content.at_eof() and len(body) <= _MAX_ANSWER_BYTES:
                body += await response.content.read(_MAX_ANSWER_BYTES + 1 - len(body))
            if len(body) > _MAX_ANSWER_BYTES:
                raise aiohttp.ClientPayloadError(f"more than {_MAX_ANSWER_BYTES:,} bytes")
            return PeerAnswer(response.status, response.content_type, body)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=_AT_ONCE, ssl=self._trusted or True)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

"""The web server under those who mean it ill: slow, many, large, under a name that is not ours."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Final

import aiohttp
import pytest

from agents.metrics.seen_names import SeenNames
from agents.web import Bounds
from agents.web.headers import SECURITY_HEADERS
from agents.web.hosts import Hosts
from tests.agents.situation import Situation, seen, served

__all__ = ["seen"]
_PATIENCE_S: Final = 60.0
GET: Final = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
TOKEN: Final = "a-token-of-the-tests"


async def connect(session: aiohttp.ClientSession) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with session.get("/live") as answer:
        place = answer.url
    return await asyncio.open_connection(place.host, place.port)


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """All that comes before the other side closes."""
    said = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(_PATIENCE_S):
            while more := await reader.read(65_536):
                said += more
    return said


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET /live HTTP/1.1\r\n", GET[:-2], GET + b"GET /li", GET + GET[:-1]])
async def test_who_does_not_end_a_request_s_header_in_time_is_cut(seen: Situation, sent: bytes) -> None:
    async with served(seen, bounds=Bounds(header_timeout_s=4.0, idle_timeout_s=4.0)) as session:
        reader, writer = await connect(session)
        writer.write(sent)
        said = await until_closed(reader)
        writer.close()

    assert said.count(b"HTTP/1.1 200 OK") == sent.count(b"\r\n\r\n")


async def test_a_header_that_trickles_is_cut_by_the_same_deadline(seen: Situation) -> None:
    async with served(seen, bounds=Bounds(header_timeout_s=4.0)) as session:
        reader, writer = await connect(session)
        closed = asyncio.create_task(until_closed(reader))
        writer.write(b"GET /live HTTP/1.1\r\n")
        while not closed.done():
            writer.write(b"X-Header: y\r\n")
            await asyncio.wait([closed], timeout=0.2)
        writer.close()

    assert seen.metrics.web_refused.values()["slow"] == 1


@pytest.mark.parametrize("sent", [b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/x\r\n\r\n"])
async def test_what_is_no_request_is_counted_and_leaves_no_traceback_in_the_log(
    seen: Situation, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(seen) as session:
        reader, writer = await connect(session)
        writer.write(sent)
        said = await until_closed(reader)
        writer.close()

    assert said.startswith(b"HTTP/1.0 400")
    assert said.endswith(b'\r\n\r\n{"error":"bad request"}\n')
    assert all(f"{name}: {value}".encode() in said for name, value in SECURITY_HEADERS.items())
    assert seen.metrics.web_refused.values()["malformed"] == 1
    assert caplog.records == []


async def test_many_who_say_nothing_keep_nobody_out(seen: Situation) -> None:
    async with served(seen, bounds=Bounds(connections=5, header_timeout_s=_PATIENCE_S)) as session:
        silent = [await connect(session) for _ in range(20)]
        async with session.get("/live") as response:
            assert response.status == 200
        for reader, _ in silent[:10]:
            assert await until_closed(reader) == b""
        for _, writer in silent:
            writer.close()

    assert seen.metrics.web_refused.values()["connections"] >= 15


async def test_where_all_are_being_answered_one_more_is_told_to_come_again(seen: Situation) -> None:
    seen.redis_hangs = True  # health waits for its deadline
    async with served(seen, bounds=Bounds(connections=1)) as session:
        asking = asyncio.create_task(session.get("/health"))
        reader = writer = None
        said = b""
        async with asyncio.timeout(_PATIENCE_S):
            while b"503" not in said and not asking.done():
                reader, writer = await connect(session)
                said = await until_closed(reader) if not asking.done() else said
                writer.close()
        (await asking).close()

    assert not said.startswith(b"HTTP/1.1 503 ") or b"X-Content-Type-Options: nosniff\r\n" in said
    assert said.startswith(b"HTTP/1.1 503 ") or seen.metrics.web_refused.values()["connections"] > 0


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"\x00" * 100_000,
        b"\r\n" * 50_000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"GET http://evil.example/live HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["line", "header", "headers", "zeros", "line ends", "h2", "length", "absolute", "two hosts", "TLS"],
)
async def test_what_is_no_fair_request_is_refused(seen: Situation, sent: bytes) -> None:
    async with served(seen, bounds=Bounds(header_timeout_s=4.0, idle_timeout_s=4.0)) as session:
        reader, writer = await connect(session)
        with suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
        said = await until_closed(reader)
        writer.close()
        async with session.get("/live") as response:
            assert response.status == 200

    assert b"200 OK" not in said
    assert b"Traceback" not in said


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "PROPFIND"])
async def test_another_method_is_refused_and_its_body_not_waited_for(seen: Situation, method: str) -> None:
    async with served(seen) as session:
        reader, writer = await connect(session)
        head = f"{method} /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
        writer.write(head.encode())
        said = await until_closed(reader)
        writer.close()

    assert said.split(b" ", 2)[1] in (b"400", b"405"), said


async def test_a_connection_is_kept_for_so_many_requests(seen: Situation) -> None:
    async with served(seen, bounds=Bounds(requests=3)) as session:
        reader, writer = await connect(session)
        writer.write(GET * 5)
        said = await until_closed(reader)
        writer.close()

    assert said.count(b"200 OK") == 3


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "@localhost"]
)
@pytest.mark.parametrize("path", ["/live", "/health", "/metrics", "/", "/nowhere"])
async def test_a_name_that_is_not_ours_is_not_answered(seen: Situation, host: str, path: str) -> None:
    async with served(seen) as session, session.get(path, headers={"Host": host}) as response:
        assert response.status in (400, 421)
        assert "student" not in await response.text()
    if response.status == 421:
        assert seen.metrics.web_refused.values()["host"] == 1


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:6066", "127.0.0.1:1", "10.1.2.3:6066", "[::1]:6066", "worker.example", "localhost."],
)
async def test_our_names_and_addresses_are_answered(seen: Situation, host: str) -> None:
    async with (
        served(seen, hosts=("worker.example",)) as session,
        session.get("/live", headers={"Host": host}) as response,
    ):
        assert response.status == 200


def test_the_name_that_is_listened_at_is_ours() -> None:
    assert Hosts("pages.school.example").admits("Pages.school.example:80")
    assert not Hosts("0.0.0.0").admits("pages.school.example")


async def test_names_that_producers_wrote_are_listed_behind_a_token_only(seen: Situation) -> None:
    names = SeenNames(10, lambda: None, lambda: 1_700_000_000.0)
    names.add(Counter({("xapi", "https://lms.example/verbs/peeked"): 3}))
    async with served(seen, seen=names) as session, session.get("/dialects/seen") as response:
        assert response.status == 403
        assert "peeked" not in await response.text()
    async with served(seen, token=TOKEN, seen=names) as session:
        async with session.get("/dialects/seen") as response:
            assert response.status == 401
        async with session.get("/dialects/seen", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            assert (await response.json())["names"] == [
                {
                    "dialect": "xapi",
                    "name": "https://lms.example/verbs/peeked",
                    "events": 3,
                    "at_least": 3,
                    "last_seen": "2023-11-14T22:13:20+00:00",
                }
            ]

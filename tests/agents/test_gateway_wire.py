"""The gateway on the wire: what HTTP allows, what it does not, and who else is answered meanwhile."""

import asyncio
import gzip
import re
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.agents.test_gateway import ADA, answered, connected, eventually, holds
from tests.events import fields
from tests.gateways import NDJSON, NORTH_KEY, SOUTH, SOUTH_KEY, Opened, bearer, ndjson, opened, tenants_file
from tests.servers.certificates import Authority
from tests.servers.fixtures import authority

__all__ = ["authority"]
BODY: Final = ndjson([fields(student=ADA)])
KEYED: Final = b"Host: localhost\r\nContent-Type: application/x-ndjson\r\nAuthorization: Bearer " + NORTH_KEY.encode()
POST: Final = b"POST /events HTTP/1.1\r\n" + KEYED + b"\r\n"
NOBODY: Final = POST.replace(NORTH_KEY.encode(), b"skg_unknown")
LENGTH: Final = b"Content-Length: %d\r\n" % len(BODY)
LAST: Final = b"Connection: close\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
CHUNKS: Final = b"5\r\n" + BODY[:5] + b"\r\n%x;name=value\r\n" % (len(BODY) - 5) + BODY[5:] + b"\r\n0\r\n\r\n"
ZIPPED: Final = b"Content-Encoding: gzip\r\n"
MIB: Final = 1024 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_PATIENCE_S: Final = 60.0


@pytest.fixture
async def north(broker: str, tmp_path: Path) -> AsyncIterator[Opened]:
    async with opened(broker, tmp_path, gateway_max_body_mb=1) as running:
        yield running


def zipped(body: bytes) -> bytes:
    """What follows the first header lines of a packed body."""
    return ZIPPED + LAST + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunk(body: bytes) -> bytes:
    return b"%x\r\n" % len(body) + body + b"\r\n"


SENT: Final[dict[str, tuple[bytes, list[int], int]]] = {
    "in chunks": (POST + LAST + CHUNKED + b"\r\n" + CHUNKS, [200], 1),
    "in chunks, packed": (
        POST + LAST + ZIPPED + CHUNKED + b"\r\n" + chunk(gzip.compress(BODY)) + b"0\r\n\r\n", [200], 1),
    "in chunks, too large": (POST + CHUNKED + b"\r\n" + chunk(b" " * MIB) + chunk(b"  "), [413], 0),
    "a chunk of no size": (POST + CHUNKED + b"\r\nx\r\n" + BODY, [400], 0),
    "two requests at once": (POST + LENGTH + b"\r\n" + BODY + POST + LENGTH + LAST + b"\r\n" + BODY, [200, 200], 2),
    "another behind a refusal that read no body": (
        NOBODY + LENGTH + b"\r\n" + BODY + POST + LENGTH + LAST + b"\r\n" + BODY, [401], 0),
    "more than its length says": (POST + LENGTH + b"\r\n" + BODY + BODY + b"\r\n", [200, 400], 1),
    "length and chunks": (POST + LENGTH + CHUNKED + b"\r\n" + CHUNKS, [400], 0),
    "two lengths": (POST + LENGTH + b"Content-Length: 7\r\n\r\n" + BODY, [400], 0),
    "a length below nothing": (POST + b"Content-Length: -1\r\n\r\n" + BODY, [400], 0),
    "a length that is none": (POST + b"Content-Length: 0x10\r\n\r\n" + BODY, [400], 0),
    "a length that is too large": (POST + b"Content-Length: 99999999\r\n\r\n", [413], 0),
    "asked first, too large": (POST + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", [413], 0),
    "asked first, by nobody": (NOBODY + b"Expect: 100-continue\r\n" + LENGTH + b"\r\n", [401], 0),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", [400], 0),
    "gzip of two members": (POST + zipped(gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])), [200], 1),
    "gzip with something behind": (POST + zipped(gzip.compress(BODY) + b"PK\x03\x04"), [400], 0),
    "gzip of a thousand members and more": (POST + zipped(gzip.compress(BODY) + gzip.compress(b"") * 1_000), [400], 0),
    "gzip that unpacks to more": (POST + zipped(gzip.compress(BODY + b" " * MIB)), [413], 0),
    "gzip within gzip": (POST + zipped(gzip.compress(gzip.compress(BODY))), [400], 0),
}  # fmt: skip


async def exchange(north: Opened, sent: bytes) -> list[int]:
    """The statuses of all that is answered, until the gateway closes."""
    at = urlsplit(north.gateway.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(sent)
    async with asyncio.timeout(_PATIENCE_S):
        said = await reader.read()
    writer.close()
    return [int(status) for status in _STATUS.findall(said)]


async def test_whatever_http_allows_is_answered_by_what_it_is(north: Opened) -> None:
    found = {name: await exchange(north, sent) for name, (sent, _, _) in SENT.items()}

    assert found == {name: statuses for name, (_, statuses, _) in SENT.items()}
    assert len(await north.stored()) == sum(records for _, _, records in SENT.values())


async def test_who_asks_first_is_told_to_go_on(north: Opened) -> None:
    reader, writer = await connected(north, b"Expect: 100-continue\r\n" + LENGTH + b"\r\n")
    assert b" 100 " in await answered(reader)
    assert await answered(reader) == b"\r\n"
    writer.write(BODY)

    assert b" 200 " in await answered(reader)
    writer.close()


async def test_a_body_that_ends_before_its_length_is_not_stored(north: Opened) -> None:
    reader, writer = await connected(north, b"Content-Length: %d\r\n\r\n" % (len(BODY) + 1))
    writer.write(BODY)
    writer.write_eof()

    assert await answered(reader) == b""
    writer.close()
    assert await north.stored() == []


async def test_who_is_refused_and_goes_on_sending_gives_way_to_others(broker: str, tmp_path: Path) -> None:
    async with opened(broker, tmp_path, gateway_connections=2) as north:
        refused = []
        at = urlsplit(north.gateway.url)
        for _ in range(2):
            reader, writer = await asyncio.open_connection(at.hostname, at.port)
            writer.write(NOBODY + b"Content-Length: 10\r\n\r\n{")
            assert b" 401 " in await answered(reader)
            refused.append(writer)

        assert (await north.request("GET", "/live", None, {})).status == 200

        for writer in refused:
            writer.close()


async def test_a_tenant_whose_requests_are_slow_leaves_connections_to_others(broker: str, tmp_path: Path) -> None:
    async with opened(broker, tmp_path, gateway_connections=8) as north:
        slow = [await connected(north, LENGTH + b"\r\n{") for _ in range(6)]
        await eventually(lambda: holds(north, 6))

        assert (await north.post("/events", BODY, NDJSON)).status == 429
        others = await north.post("/events", ndjson([fields(student=f"{SOUTH}eve")]), NDJSON, SOUTH_KEY)
        assert others.status == 200
        async with north.client.get("/metrics") as response:
            assert 'skillstream_gateway_tenant_held_bytes{tenant="north"} 6.0' in await response.text()

        for _, writer in slow:
            writer.close()


async def test_a_tenant_that_sends_more_than_its_rate_is_told_when_to_come_again(broker: str, tmp_path: Path) -> None:
    path = tenants_file(tmp_path)
    text = path.read_text().replace("[tenants.north]\n", "[tenants.north]\ngateway_events_per_second = 0.01\n")
    limited = tmp_path / "limited.toml"
    limited.write_text(text)
    async with opened(broker, tmp_path, tenants=str(limited)) as north:
        assert (await north.post("/events", BODY, NDJSON)).status == 200

        refused = await north.post("/events", BODY, NDJSON)
        assert (refused.status, refused.document["reason"]) == (429, "rate")
        assert 1 <= int(refused.headers["Retry-After"]) <= 100
        others = await north.post("/events", ndjson([fields(student=f"{SOUTH}eve")]), NDJSON, SOUTH_KEY)
        assert others.status == 200
        assert len(await north.stored()) == 2


async def test_a_renewed_certificate_is_shown_to_who_connects_next(
    broker: str, tmp_path: Path, authority: Authority
) -> None:
    first, second = authority.issue("gateway"), authority.issue("renewed")
    trusted = ssl.create_default_context(cafile=authority.ca)
    files = {"gateway_certificate": str(first.certificate), "gateway_private_key": str(first.key)}
    async with opened(broker, tmp_path, trusted, secrets_poll_s=0.1, **files) as north:
        before = await shown_by(north, trusted)
        shutil.copy(second.certificate, first.certificate)
        shutil.copy(second.key, first.key)

        async def is_renewed() -> bool:
            return await shown_by(north, trusted) != before

        await eventually(is_renewed)
        assert (await north.request("GET", "/live", None, bearer())).status == 200


async def shown_by(north: Opened, trusted: ssl.SSLContext) -> bytes:
    """The certificate that a new connection is shown."""
    at = urlsplit(north.gateway.url)
    _, writer = await asyncio.open_connection(at.hostname, at.port, ssl=trusted)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    with suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()
    return bytes(shown)

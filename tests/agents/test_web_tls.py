"""The pages over TLS: who asks in plaintext gets nothing, a rotated certificate is served, workers ask each other."""

import asyncio
import logging
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import aiohttp
import pytest

from agents.config.settings import SettingsError, load_settings
from agents.web import Bounds, RoleTokens, WebServer
from agents.web.tls import PagesCertificate
from tests.agents.situation import Situation, seen
from tests.agents.worker_group import members
from tests.servers.certificates import Authority, Issued
from tests.servers.fixtures import authority

__all__ = ["authority", "seen"]
TOKEN: Final = "of-the-pages-of-a-test"


def certificate(issued: Issued) -> PagesCertificate:
    return PagesCertificate(str(issued.certificate), str(issued.key), lambda: None)


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.ca)


@asynccontextmanager
async def served(situation: Situation, issued: PagesCertificate, **given: Any) -> AsyncIterator[WebServer]:
    about: dict[str, Any] = {"health": situation.health, "lag": situation.lag, "metrics": situation.metrics}
    server = WebServer("127.0.0.1", 0, certificate=issued, tokens=RoleTokens(TOKEN), **about, **given)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def shown_by(server: WebServer, authority: Authority) -> bytes:
    """The certificate that a new connection is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=trusting(authority))
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    with suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()
    return bytes(shown)


async def test_pages_are_answered_over_tls_alone(seen: Situation, authority: Authority) -> None:
    async with served(seen, certificate(authority.issue("worker"))) as server, aiohttp.ClientSession() as session:
        assert server.url == f"https://127.0.0.1:{server.port}/"
        async with session.get(f"{server.url}live", ssl=trusting(authority)) as answer:
            assert (answer.status, await answer.json()) == (200, {"live": True})
        form = {"token": TOKEN, "to": "/"}
        async with session.post(
            f"{server.url}sign-in", data=form, ssl=trusting(authority), allow_redirects=False
        ) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]

        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"{server.url}live")
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"http://127.0.0.1:{server.port}/live")


async def test_who_never_ends_the_handshake_is_cut(seen: Situation, authority: Authority) -> None:
    bounds = Bounds(header_timeout_s=0.05)
    async with served(seen, certificate(authority.issue("worker")), bounds=bounds) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert await reader.read() == b""
        writer.close()


async def test_a_rotated_certificate_is_shown_to_who_connects_next(seen: Situation, authority: Authority) -> None:
    first, second = authority.issue("worker"), authority.issue("next")
    pages = certificate(first)
    async with served(seen, pages) as server:
        before = await shown_by(server, authority)
        assert not pages.look()
        shutil.copy(second.certificate, first.certificate)
        shutil.copy(second.key, first.key)

        assert pages.look()

        assert await shown_by(server, authority) not in (before, b"")


async def test_half_of_a_pair_leaves_the_former_and_is_said_once(
    seen: Situation, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first, second = authority.issue("worker"), authority.issue("next")
    pages = certificate(first)
    async with served(seen, pages) as server:
        before = await shown_by(server, authority)
        shutil.copy(second.certificate, first.certificate)
        assert [pages.look(), pages.look()] == [False, False]
        first.key.unlink()
        assert [pages.look(), pages.look()] == [False, False]

        assert await shown_by(server, authority) == before
    said = [record.getMessage() for record in caplog.records if "former stays in use" in record.getMessage()]
    assert len(said) == 2


async def test_workers_ask_each_other_over_tls_where_they_trust_the_certificate(authority: Authority) -> None:
    pages, other = certificate(authority.issue("worker")), Authority(authority.ca.parent, "other")
    async with members() as group:
        a = await group.start("a", 0, 1, certificate=pages, trusted=trusting(authority))
        await group.start("b", 2, 3, certificate=pages, trusted=trusting(other))

        async with aiohttp.ClientSession() as session:
            answers = {}
            for member in group.all.values():
                url = f"{member.server.url}group/figures"
                async with session.get(url, ssl=trusting(authority)) as answer:
                    answers[member.name] = await answer.json()

    assert a.server.url.startswith("https://")
    assert answers["a"]["partial"] == []
    assert answers["b"]["partial"] == ["a"]
    assert "certificate" in str(answers["b"]).lower(), answers["b"]


def test_certificates_that_cannot_be_used_are_refused_at_the_start(authority: Authority) -> None:
    good, other = authority.issue("good"), authority.issue("other")
    encrypted = good.key.with_name("encrypted.key")
    encrypted.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n")
    wrong: list[tuple[dict[str, object], str]] = [
        ({"CERTIFICATE": good.certificate}, "web_certificate and web_key belong together"),
        ({"CERTIFICATE": good.certificate, "KEY": other.key}, "key values mismatch"),
        ({"CERTIFICATE": good.certificate, "KEY": "/nonexistent"}, "cannot be read: No such file or directory"),
        ({"CERTIFICATE": good.certificate, "KEY": encrypted}, "cannot be read: "),
        ({"CA": good.key}, "cannot be read: "),
    ]
    for given, said in wrong:
        with pytest.raises(SettingsError, match="web_certificate") as error:
            load_settings({f"SKILLSTREAM_WEB_{name}": str(path) for name, path in given.items()})
        assert said.lower() in str(error.value).lower()
    load_settings({"SKILLSTREAM_WEB_CERTIFICATE": str(good.certificate), "SKILLSTREAM_WEB_KEY": str(good.key)})

"""Who may see which page: roles, wrong tokens, and people who sign in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web

from agents.config.sessions import COOKIES, is_valid, own_cookies, session_value
from agents.config.settings import SettingsError, load_settings
from agents.web import RoleTokens
from agents.web.attempts import MAX_ADDRESSES, FailedAttempts
from agents.web.pages import Page, json_answer
from tests.agents.situation import Situation, seen, served

__all__ = ["seen"]
TOKENS: Final = RoleTokens("an operator's own token", "a reader's own token, 2", "of scoring on demand")
BROWSER: Final = {"Accept": "text/html,application/xhtml+xml"}


async def said(_request: web.Request) -> web.Response:
    return json_answer({"said": True})


PAGES: Final = [Page("/students/{id}", said, role="reader"), Page("/inference", said, "POST", role="inference")]


@asynccontextmanager
async def pages(
    situation: Situation, tokens: RoleTokens = TOKENS, **given: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    async with served(situation, tokens=tokens, pages=PAGES, **given) as session:
        yield session


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def status(session: aiohttp.ClientSession, path: str, method: str = "GET", **given: Any) -> int:
    async with session.request(method, path, allow_redirects=False, **given) as response:
        assert "Traceback" not in await response.text()
        return response.status


ASKED: Final = (
    ("/metrics", "GET", "operator"),
    ("/students/ada", "GET", "reader"),
    ("/inference", "POST", "inference"),
)


async def test_each_token_opens_the_pages_of_its_role_and_no_others(seen: Situation) -> None:
    async with pages(seen) as session:
        for path, method, role in ASKED:
            found = {
                name: await status(session, path, method, headers=bearer(getattr(TOKENS, name)))
                for name in ("operator", "reader", "inference")
            }
            assert found == dict.fromkeys(found, 403) | {role: 200}
            assert await status(session, path, method) == 401
    assert seen.metrics.web_refused.values() | {"token": 3, "role": 6} == seen.metrics.web_refused.values()


async def test_a_method_that_a_page_does_not_have_is_told_to_its_role_and_to_no_other(seen: Situation) -> None:
    async with pages(seen) as session:
        for path, allowed, role in ASKED:
            for name in ("operator", "reader", "inference"):
                async with session.request("DELETE", path, headers=bearer(getattr(TOKENS, name))) as response:
                    assert response.status == (405 if name == role else 403)
                    assert (allowed in response.headers.get("Allow", "")) is (name == role)
            assert await status(session, path, "DELETE") == 401
        assert await status(session, "/inference", headers=bearer(TOKENS.inference)) == 405


async def test_what_is_known_of_students_is_open_to_nobody_without_a_token_even_on_this_machine(
    seen: Situation,
) -> None:
    async with pages(seen, tokens=RoleTokens()) as session:
        assert await status(session, "/metrics") == 200
        for path, method, _ in ASKED[1:]:
            async with session.request(method, path, headers=bearer("")) as response:
                assert response.status == 403
                assert "_TOKEN is not set" in (await response.json())["error"]


async def test_wrong_tokens_of_an_address_are_refused_after_some_and_so_is_the_right_one_until_it_has_waited(
    seen: Situation,
) -> None:
    async with pages(seen, wrong_tokens_per_minute=1) as session:
        assert await status(session, "/metrics", headers=bearer("wrong")) == 401
        async with session.get("/students/ada", headers=bearer(TOKENS.reader)) as response:
            assert response.status == 429
            assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert await status(session, "/live") == 200
        assert await status(session, "/metrics") == 401, "who says nothing has not guessed"
        assert await status(session, "/sign-in", "POST", data={"token": TOKENS.reader}) == 429

    assert seen.metrics.web_refused.values()["attempts"] == 2


async def test_the_token_of_another_role_is_no_guess(seen: Situation) -> None:
    async with pages(seen, wrong_tokens_per_minute=1) as session:
        for _ in range(5):
            assert await status(session, "/students/ada", headers=bearer(TOKENS.operator)) == 403
        assert await status(session, "/metrics", headers=bearer(TOKENS.operator)) == 200


async def test_a_browser_is_given_a_form_and_the_token_in_it_opens_the_page_that_was_asked_for(
    seen: Situation,
) -> None:
    async with pages(seen) as session:
        async with session.get("/students/ada?x=%22", headers=BROWSER) as form:
            text = await form.text()
            assert (form.status, form.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert "form-action 'self'" in form.headers["Content-Security-Policy"]
            assert 'value="/students/ada?x=%22"' in text
        given = {"token": f" {TOKENS.reader} ", "to": "/students/ada"}
        async with session.post("/sign-in", data=given, allow_redirects=False) as signed:
            assert (signed.status, signed.headers["Location"]) == (303, "/students/ada")
            cookie = SimpleCookie(signed.headers["Set-Cookie"])[COOKIES["reader"]]
            assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (
                (True, "Strict", "/", "")
            )
            assert TOKENS.reader not in signed.headers["Set-Cookie"]
        session.cookie_jar.update_cookies({})
        headers = {"Cookie": f"{COOKIES['reader']}={cookie.value}"}
        assert await status(session, "/students/ada", headers=headers) == 200
        assert await status(session, "/metrics", headers=headers) == 401
        assert await status(session, "/inference", "POST", headers=headers) == 401
        async with session.post(
            "/sign-out", allow_redirects=False, headers={"Content-Type": "application/x-www-form-urlencoded"}
        ) as ended:
            assert ended.status == 303
            assert 'skillstream_reader=""' in "".join(ended.headers.getall("Set-Cookie"))


async def test_behind_a_proxy_with_tls_the_cookie_goes_over_tls_alone(seen: Situation) -> None:
    async with (
        pages(seen) as session,
        session.post(
            "/sign-in",
            data={"token": TOKENS.operator},
            headers={"X-Forwarded-Proto": "https"},
            allow_redirects=False,
        ) as signed,
    ):
        assert "Secure" in signed.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("given", "headers", "answer"),
    [
        ({"token": "wrong"}, {}, 401),
        ({"token": ""}, {}, 401),
        ({}, {}, 401),
        ({"token": TOKENS.inference}, {}, 401),
        ({"token": TOKENS.reader}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({"token": TOKENS.reader}, {"Content-Type": "text/plain"}, 415),
        ({"token": "x" * 20_000}, {}, 413),
        ({"token": "\udcff", "to": "\x00"}, {}, 401),
        ({str(number): "" for number in range(50)}, {}, 401),
        ({"token": "x"}, {"Content-Type": "application/x-www-form-urlencoded; charset=nonsense"}, 401),
    ],
)
async def test_who_does_not_sign_in_gets_no_cookie(
    seen: Situation, given: dict[str, str], headers: dict[str, str], answer: int
) -> None:
    body = "&".join(f"{name}={value}" for name, value in given.items()).encode(errors="surrogateescape")
    headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    async with (
        pages(seen) as session,
        session.post("/sign-in", data=body, headers=headers, allow_redirects=False) as refused,
    ):
        assert refused.status == answer
        assert "Set-Cookie" not in refused.headers
        assert "Traceback" not in await refused.text()


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nX: y", "x", ""])
async def test_signing_in_leads_to_no_other_site(seen: Situation, to: str) -> None:
    given = {"token": TOKENS.reader, "to": to}
    async with pages(seen) as session, session.post("/sign-in", data=given, allow_redirects=False) as signed:
        assert (signed.status, signed.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "1.2",
        session_value("another token", "reader", 10_000),
        session_value(TOKENS.reader, "operator", 10_000),
        session_value(TOKENS.reader, "reader", 1_000),
        session_value(TOKENS.reader, "reader", 10_000).replace("1", "9", 1),
        "9" * 5_000 + "." + "0" * 64,
    ],
)
def test_a_session_that_was_not_given_or_has_ended_opens_nothing(value: str) -> None:
    assert not is_valid(value, TOKENS.reader, "reader", 1_000.0)


def test_a_session_is_valid_until_it_ends() -> None:
    value = session_value(TOKENS.reader, "reader", 2_000)

    assert is_valid(value, TOKENS.reader, "reader", 1_999.0)
    assert not is_valid(value, TOKENS.reader, "reader", 2_000.0)


def test_of_a_browser_s_cookies_only_ours_go_on_to_another_worker() -> None:
    assert own_cookies("a=1; skillstream_reader=x.y; skillstream_other=2;b") == "skillstream_reader=x.y"


def test_failed_attempts_are_forgiven_one_by_one_and_counted_by_site() -> None:
    now = [0.0]
    attempts = FailedAttempts(6, lambda: now[0])
    for _ in range(6):
        assert attempts.wait_s("2001:db8::1") == 0
        attempts.note("2001:db8::1")
    assert attempts.wait_s("2001:db8::ffff") == pytest.approx(10)
    assert attempts.wait_s("2001:db8:0:1::1") == attempts.wait_s("192.0.2.1") == attempts.wait_s(None) == 0
    now[0] = 10.0
    assert attempts.wait_s("2001:db8::1") == 0
    attempts.note("2001:db8::1")
    assert attempts.wait_s("2001:db8::1") == pytest.approx(10)


def test_so_many_addresses_are_remembered_and_no_more() -> None:
    attempts = FailedAttempts(1, lambda: 0.0)
    for number in range(MAX_ADDRESSES + 1):
        attempts.note(f"name-{number}")

    assert attempts.wait_s("name-0") == 0
    assert attempts.wait_s("name-1") == 60


def test_two_roles_may_not_share_a_token() -> None:
    with pytest.raises(SettingsError, match="two are the same"):
        load_settings({"SKILLSTREAM_WEB_TOKEN": TOKENS.reader, "SKILLSTREAM_READER_TOKEN": TOKENS.reader})

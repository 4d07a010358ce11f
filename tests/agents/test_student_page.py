"""The page of one student as a worker serves it: for readers alone, whoever owns the student."""

from urllib.parse import quote

import aiohttp
import pytest

from agents.web import RoleTokens
from tests.agents.student_pages import BEARER, TOKEN, TOKENS, Students, start
from tests.agents.worker_group import Member, members

HTML = {"Accept": "text/html"}


async def page(member: Member, student: str, **headers: str) -> tuple[int, str]:
    path = f"student?id={quote(student, safe='')}"
    async with (
        aiohttp.ClientSession() as session,
        session.get(member.server.url + path, headers={**HTML, **headers}) as response,
    ):
        assert response.content_type == ("text/html" if response.status != 403 else "application/json")
        return response.status, await response.text()


async def test_any_worker_shows_a_student_of_any() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, b = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2")
        shown = [await page(member, "s2", **BEARER) for member in (a, b)]

    assert shown[0] == shown[1]
    assert shown[0][0] == 200
    assert "<h1>Student s2</h1>" in shown[0][1]
    assert "Nothing was explained yet" in shown[0][1]


async def test_who_is_not_known_is_said_with_the_form_to_ask_again() -> None:
    async with members() as group:
        students = Students()
        a = await start(group, "a", students, 0, 1, 2, 3)
        status, text = await page(a, "s9/<b>", **BEARER)
        assert status == 404
        assert "no such student" in text
        assert "s9/&lt;b&gt;" in text
        assert (await page(a, "x" * 300, **BEARER))[0] == 400
        status, text = await page(a, "", **BEARER)
        assert (status, "<h1>Students</h1>" in text) == (200, True)


async def test_people_are_asked_to_sign_in_and_led_back() -> None:
    async with members() as group:
        students = Students()
        a = await start(group, "a", students, 0, 1, 2, 3)
        await students.fold("s2")
        status, form = await page(a, "s2")
        assert status == 401
        assert 'name="to" value="/student?id=s2"' in form
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=HTML) as session,
            session.post(a.server.url + "sign-in", data={"token": TOKEN, "to": "/student?id=s2"}) as response,
        ):
            assert "<h1>Student s2</h1>" in await response.text()


@pytest.mark.parametrize("tokens", [RoleTokens(), RoleTokens(TOKENS.operator)])
async def test_without_a_reader_s_token_it_is_open_to_nobody(tokens: RoleTokens) -> None:
    async with members() as group:
        students = Students()
        a = await group.start("a", 0, 1, 2, 3, more_pages=students.pages, tokens=tokens)
        await students.fold("s2")
        assert (await page(a, "s2"))[0] == 403
        assert (await page(a, "s2", Authorization=f"Bearer {TOKENS.operator}"))[0] == 403


@pytest.mark.parametrize("value", [b"not json", b'{"version": 99}'])
async def test_an_explanation_that_cannot_be_read_costs_no_page(value: bytes) -> None:
    async with members() as group:
        students = Students()
        a = await start(group, "a", students, 0, 1, 2, 3)
        await students.fold("s2")
        students.explained.by_key[b"s2"] = value
        status, text = await page(a, "s2", **BEARER)

    assert status == 200
    assert "Nothing was explained yet" in text

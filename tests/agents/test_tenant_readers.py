"""A tenant's token opens the pages of its own students, and says nothing of anybody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import Mock
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web

from agents.config.settings import load_settings
from agents.config.tenants import hash_of
from agents.web import RoleTokens
from agents.web.access import CALLER
from agents.web.pages import Page, json_answer
from agents.web.student_page import student_page_for_people
from agents.web.students import student_pages
from tests.agents.situation import Situation, seen, served

__all__ = ["seen"]
READER, NORTH, SOUTH = "a reader's own token, 2", "north's own token, 3", "south's own token, 4"
FILE: Final = "".join(
    f'[tenants.{name}]\nstudents = "{name}:"\nsigning_keys = ["{name * 8}"]\nreader_tokens = ["{hash_of(token)}"]\n'
    for name, token in (("north", NORTH), ("south", SOUTH))
)
OURS, THEIRS = ("north:ada", "north:ada/b c"), ("south:bob", "south:nobody", "eve", "north", "NORTH:ada", "")


async def said(request: web.Request) -> web.Response:
    return json_answer({"role": request[CALLER].role})


def reader_paths() -> list[str]:
    """Of all pages for readers that a worker has."""
    unused: Any = Mock()
    pages = [*student_pages(unused, unused, unused), student_page_for_people(unused, unused, unused)]
    return [page.path for page in pages if page.role == "reader"]


def about(path: str, student: str) -> str:
    """The page about a student."""
    return path.replace("{id}", quote(student, safe="")) if "{id}" in path else f"{path}?id={quote(student, safe='')}"


@asynccontextmanager
async def pages(
    situation: Situation, tmp_path: Path, reader: str = READER, operator: str = ""
) -> AsyncIterator[aiohttp.ClientSession]:
    file = tmp_path / "tenants.toml"
    file.write_text(FILE)
    environment = {
        "SKILLSTREAM_TENANTS": str(file),
        "SKILLSTREAM_READER_TOKEN": reader,
        "SKILLSTREAM_WEB_TOKEN": operator,
    }
    tokens = RoleTokens.of(load_settings(environment))
    made = [Page(path, said, role="reader") for path in (*reader_paths(), "/later")]
    async with served(situation, tokens=tokens, pages=made) as session:
        yield session


async def ask(session: aiohttp.ClientSession, path: str, token: str, method: str = "GET") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    async with session.request(method, path, headers=headers, allow_redirects=False) as response:
        return response.status, await response.text()


async def test_every_page_of_students_is_open_to_the_student_s_own_tenant_and_to_no_other(
    seen: Situation, tmp_path: Path
) -> None:
    assert len(reader_paths()) >= 4
    async with pages(seen, tmp_path) as session:
        refusals = set()
        for path in reader_paths():
            for student in OURS:
                assert (await ask(session, about(path, student), NORTH))[0] == 200, (path, student)
                assert (await ask(session, about(path, student), READER))[0] == 200
            for method in ("GET", "DELETE"):
                for student in filter(None, THEIRS):
                    refusals.add(await ask(session, about(path, student), NORTH, method))
                for student in OURS:
                    refusals.add(await ask(session, about(path, student), SOUTH, method))
    [(status, refusal)] = refusals
    assert (status, [student for student in THEIRS[:4] if student in refusal]) == (403, [])


async def test_what_is_about_no_student_and_other_roles_pages_are_not_open(seen: Situation, tmp_path: Path) -> None:
    async with pages(seen, tmp_path) as session:
        for path in ("/student", "/later", "/later?id=north:ada", "/students/%ff", "/metrics"):
            expected = 200 if path == "/metrics" else 403  # without an operator's token it is open to this machine
            assert (await ask(session, path, NORTH))[0] == expected, path


FIGURES = ("/metrics", "/health", "/health/detailed")


async def test_no_figures_of_anybody_are_open_to_a_tenant(seen: Situation, tmp_path: Path) -> None:
    """What others send, spend and are held for is in pages of operators alone, of which test_web_routes has all."""
    seen.metrics.know_tenants(["north", "south"])
    seen.metrics.tenant_spend_usd.add("south", 4.75)
    async with pages(seen, tmp_path, operator="an operator's own token") as session:
        for path in (*FIGURES, *(f"{path}?id=north:ada" for path in FIGURES)):
            status, text = await ask(session, path, NORTH)
            assert (status, "south" in text, "4.75" in text) == (403, False, False), path
        assert "4.75" in (await ask(session, "/metrics", "an operator's own token"))[1]


async def test_who_reads_is_counted_by_tenant(seen: Situation, tmp_path: Path) -> None:
    async with pages(seen, tmp_path) as session:
        await ask(session, "/students/north:ada", NORTH)
        for student in ("south:bob", "nobody"):
            await ask(session, f"/students/{student}", NORTH)
        await ask(session, "/students/north:ada", READER)
    assert seen.metrics.tenant_reads.by_tenant() == {"north": 3}
    assert 'skillstream_tenant_reads_total{outcome="admitted",tenant="north"} 1.0' in seen.metrics.render()[0].decode()


async def test_they_work_where_there_is_no_token_for_readers_of_all(seen: Situation, tmp_path: Path) -> None:
    async with pages(seen, tmp_path, reader="") as session:
        assert (await ask(session, "/students/north:ada", NORTH))[0] == 200
        assert (await ask(session, "/students/north:ada", SOUTH))[0] == 403
        assert (await ask(session, "/students/north:ada", "guessed"))[0] == 403


async def test_a_tenant_s_token_is_no_guess_and_nobody_signs_in_with_it(seen: Situation, tmp_path: Path) -> None:
    async with pages(seen, tmp_path) as session:
        async with session.post("/sign-in", data={"token": NORTH}, allow_redirects=False) as response:
            assert (response.status, "for programs" in await response.text()) == (401, True)
            assert not response.cookies
        assert (await ask(session, "/students/north:ada", "guessed"))[0] == 401


@pytest.mark.parametrize("hashed", ["sha256:", "plain"])
def test_a_token_in_the_file_that_is_no_hash_is_refused(tmp_path: Path, hashed: str) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(FILE.replace(hash_of(NORTH), hashed))

    with pytest.raises(Exception, match=r"tenants\.north\.reader_tokens: a list of hashes"):
        RoleTokens.of(load_settings({"SKILLSTREAM_TENANTS": str(file)}))

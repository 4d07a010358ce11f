"""Questions by another id of a student: answered about the student, whoever is asked, and recorded as the student's."""

from pathlib import Path

import aiohttp

from agents.config.settings import load_settings
from agents.config.tenants import Tenants, hash_of
from agents.dashboard.student_page import STUDENT
from agents.web import RoleTokens
from streams.input.identities import IdentityMap
from streams.input.tenancy import ONE_TENANT, Tenancy
from streams.rows.codec import encode_row
from streams.rows.row import Row
from tests.agents.inference_pages import inference, store
from tests.agents.situation import Situation, seen
from tests.agents.student_pages import BEARER, EXPLAINED, Students, ask, nowhere, start
from tests.agents.worker_group import Member, members
from tests.events import raw

__all__ = ["seen"]
MAIL = "s/2@school.example"
PAGES = ("", "/history", "/explanation")


class Known:
    """An OtherIds that was read."""

    def __init__(self, student_by_id: dict[str, str], tenancy: Tenancy = ONE_TENANT, *, is_read: bool = True) -> None:
        self.is_read = is_read
        self._map = IdentityMap(tenancy)
        for other, student in student_by_id.items():
            self._map.note(other.encode(), b'{"student_id":"%b"}' % student.encode())

    def student_of(self, key: bytes) -> bytes:
        return self._map.student_of(key)


async def located(member: Member, path: str) -> tuple[int, str | None]:
    async with aiohttp.ClientSession() as session, session.get(member.server.url + path, headers=BEARER) as response:
        return response.status, response.headers.get("Content-Location")


async def test_every_page_by_another_id_is_about_the_student_and_says_both_ids() -> None:
    async with members() as group:
        known = Known({MAIL: "s2"})
        of_a, of_b = Students(others=known), Students(others=known)
        a, b = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2")
        of_b.explained.by_key[b"s2"] = EXPLAINED
        for member in (a, b):
            for more in PAGES:
                assert await ask(member, MAIL, more) == await ask(member, "s2", more)
            assert await located(member, "students/s%2F2%40school.example/history") == (200, "/students/s2/history")
            assert await located(member, "students/s2") == (200, None)
            async with (
                aiohttp.ClientSession() as session,
                session.get(member.server.url + STUDENT[1:], params={"id": MAIL}, headers=BEARER) as response,
            ):
                text = await response.text()
            assert "<h1>Student s2</h1>" in text
            assert f"asked for as</dt><dd>{MAIL}" in text


async def test_a_read_by_another_id_is_recorded_as_one_of_the_student() -> None:
    async with members() as group:
        students = Students(others=Known({MAIL: "s2"}))
        a = await start(group, "a", students, 0, 1, 2, 3)
        await students.fold("s2")
        await ask(a, "s2")
        await ask(a, MAIL)

    [own, other] = await students.audit.acts()
    assert own.about == other.about


async def test_a_worker_that_another_asks_takes_the_id_as_it_is() -> None:
    async with members() as group:
        of_a, of_b = Students(others=Known({MAIL: "s2"})), Students(others=Known({"s2": "s1"}))
        a, b = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2")
        asked_of_a = await ask(a, MAIL)
        asked_of_b = await ask(b, "s2")

    assert (asked_of_a[0], asked_of_a[1]["student_id"]) == (200, "s2")
    assert asked_of_b[0] == 404  # s1, of whom nothing is known


async def test_where_keys_are_placed_as_producers_like_the_student_is_looked_for_everywhere() -> None:
    async with members() as group:
        known = Known({MAIL: "s2"})
        of_a, of_b = Students(nowhere, others=known), Students(nowhere, others=known)
        a, _ = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2", 3)
        found = await ask(a, MAIL)

    assert (found[0], found[1]["student_id"]) == (200, "s2")


async def test_a_tenant_s_token_reads_its_students_by_ids_of_its_own_and_no_others(tmp_path: Path) -> None:
    file, north = tmp_path / "tenants.toml", "north's own token, 3"
    file.write_text(
        "".join(
            f'[tenants.{name}]\nstudents = "{name}:"\nsigning_keys = ["{name * 8}"]\nreader_tokens = {tokens}\n'
            for name, tokens in (("north", [hash_of(north)]), ("south", []))
        )
    )
    settings = load_settings({"SKILLSTREAM_TENANTS": str(file)})
    entries = {"north:mail": "north:2", "north:bob": "south:2", MAIL: "north:2"}
    async with members() as group:
        students = Students(others=Known(entries, Tenants.of(settings).tenancy))
        a = await group.start("a", 0, 1, 2, 3, more_pages=students.pages, tokens=RoleTokens.of(settings))
        for student in ("north:2", "south:2"):
            await students.fold(student)
        said = {each: await ask(a, each, Authorization=f"Bearer {north}") for each in (*entries, "north:2", "south:2")}

    assert {each: status for each, (status, _) in said.items()} == {
        "north:mail": 200, "north:2": 200, "north:bob": 404, MAIL: 403, "south:2": 403,
    }  # fmt: skip
    assert said["north:mail"] == said["north:2"]


async def test_an_erased_student_is_gone_by_every_id() -> None:
    async with members() as group:
        students = Students(others=Known({MAIL: "s2"}))
        a = await start(group, "a", students, 0, 1, 2, 3)
        students.rows.put(2, b"s2", encode_row(Row(erased_us=5)))
        answers = [await ask(a, MAIL, more) for more in PAGES]

    assert [status for status, _ in answers] == [410] * 3


async def test_before_the_entries_are_known_nobody_is_said_not_to_be_there() -> None:
    async with members() as group:
        students = Students(others=Known({}, is_read=False))
        a = await start(group, "a", students, 0, 1, 2, 3)
        await students.fold("s2")
        by_own_id, by_another = await ask(a, "s2"), await ask(a, MAIL)
        asked_by_a_worker = await ask(a, MAIL, **{"Skillstream-Asked": "a"})

    assert by_own_id[0] == 200
    assert (by_another[0], "other ids are not known here yet" in by_another[1]["error"]) == (503, True)
    assert asked_by_a_worker[0] == 404


async def test_students_of_a_batch_are_scored_by_any_id(seen: Situation) -> None:
    async with inference(seen, student_of=Known({MAIL: "bo", "ada-2": "ada"}).student_of) as worker:
        stored = await store(worker, raw(), raw(student="bo", minute=-9))
        found = await worker.ask(f'"{MAIL}"\n"ada"\n"ada-2"\n"nobody"'.encode())

    assert [each.get("update") for each in found.lines] == [stored["bo"], stored["ada"], stored["ada"], None]
    assert found.lines[3]["student_id"] == "nobody"

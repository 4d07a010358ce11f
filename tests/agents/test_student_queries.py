"""Questions about students, asked of any worker: who answers, with whose token, and what is said when nobody can."""

import asyncio

import aiohttp
import msgspec
import pytest

from agents.kafka.errors import BrokerUnavailable
from streams.rows.codec import encode_row
from streams.rows.row import Row
from tests.agents.student_pages import BEARER, EXPLAINED, TOKEN, TOKENS, Students, ask, nowhere, start
from tests.agents.worker_group import Member, members
from tests.events import raw


def rating(student: str, minute: int, at: float) -> bytes:
    return raw("rubric", student=student, minute=minute, event_id=f"r{minute}", skill="empathy", rating=at)


def queries(member: Member) -> dict[str, float]:
    return {name: count for name, count in member.situation.metrics.queries.values().items() if count}


async def test_any_worker_answers_about_a_student_of_any() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, b = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_a.fold("s1")
        await of_b.fold("s2")
        here, there = await ask(a, "s1"), await ask(a, "s2")
        back = await ask(b, "s1")

    assert (here[0], there[0]) == (200, 200)
    assert (here[1]["student_id"], there[1]["student_id"]) == ("s1", "s2")
    assert back == here
    assert queries(a) == {"answered": 3.0}
    assert queries(b) == {"answered": 2.0}


async def test_the_caller_s_own_token_goes_on_and_nothing_is_said_without_it() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, _ = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2")
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKENS.operator}"}):
            status, said = await a.get("students/s2", **headers)
            assert status in (401, 403)
            assert "skills" not in said


async def test_signed_in_people_are_known_to_every_worker() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, _ = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2")
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
            session.post(a.server.url + "sign-in", data={"token": TOKEN, "to": "/students/s2"}) as response,
        ):
            assert (response.status, response.url.path) == (200, "/students/s2")
            assert (await response.json())["student_id"] == "s2"


@pytest.mark.parametrize("character", ["x", "\u00e9", "\U00010348"])
async def test_the_longest_id_can_be_asked_for_in_any_script(character: str) -> None:
    async with members() as group:
        a = await start(group, "a", Students(owning_partition=lambda _key: 0), 0)
        status, said = await ask(a, character * 256, "/explanation")
        too_long, _ = await ask(a, character * 257)

    assert (status, said["error"], too_long) == (404, "no such student", 400)


async def test_unknown_students_are_404_and_erased_ones_410_whoever_is_asked() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, b = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        of_b.rows.put(2, b"s2", encode_row(Row(erased_us=5)))
        of_b.explained.by_key[b"s2"] = EXPLAINED
        for member in (a, b):
            for more in ("", "/history", "/explanation"):
                assert (await ask(member, "s2", more))[0] == 410
                assert (await ask(member, "s3", more))[0] == 404


async def test_a_worker_that_is_away_is_named_and_one_that_restores_is_waited_for() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, b = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2")
        b.ready = False
        restoring = await ask(a, "s2")
        assert (await ask(b, "s2"))[0] == 503
        b.ready = True
        await b.server.stop()
        stopped = await ask(a, "s2")
        group.pass_time(100)
        aged = await ask(a, "s2")
        nobody = await ask(a, "s6")
        async with (
            aiohttp.ClientSession() as session,
            session.get(a.server.url + "students/s2", headers=BEARER) as response,
        ):
            assert response.headers["Retry-After"] == "2"

    assert restoring[0] == stopped[0] == aged[0] == nobody[0] == 503
    assert "partial" not in restoring[1] or restoring[1]["partial"] == []
    assert stopped[1]["partial"] == aged[1]["partial"] == ["b"]


async def test_a_partition_that_has_just_moved_is_asked_of_its_new_owner() -> None:
    async with members() as group:
        of_a, of_b, of_c = Students(), Students(), Students()
        a, b = await start(group, "a", of_a, 0), await start(group, "b", of_b, 2)
        await ask(a, "s2")  # a knows that b has it
        c = await start(group, "c", of_c)
        await of_c.fold("s2")
        b.partitions, c.partitions = frozenset(), frozenset({2})
        await b.announcer.look()
        await c.announcer.look()
        found = await ask(a, "s2")

    assert found[0] == 200
    assert queries(c) == {"answered": 1.0}


async def test_a_worker_that_another_asks_never_asks_on() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, b = await start(group, "a", of_a, 0), await start(group, "b", of_b, 2)
        await of_b.fold("s2")
        status, _ = await ask(a, "s2", **{"Skillstream-Asked": "a"})

    assert status == 421
    assert queries(b) == {}


async def test_where_keys_are_placed_as_producers_like_all_workers_are_asked() -> None:
    async with members() as group:
        of_a, of_b, of_c = (Students(nowhere) for _ in range(3))
        a, _ = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2)
        c = await start(group, "c", of_c, 3)
        await of_b.fold("s1", 2)
        await of_a.fold("s0", 1)
        found = [await ask(a, student) for student in ("s0", "s1", "s9")]
        await c.server.stop()
        without_c = [await ask(a, student) for student in ("s1", "s9")]

    assert [status for status, _ in found] == [200, 200, 404]
    assert [status for status, _ in without_c] == [200, 503]
    assert without_c[1][1]["partial"] == ["c"]


async def test_the_last_explanation_is_answered_as_it_was_published() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, b = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2")
        none_yet = await ask(a, "s2", "/explanation")
        of_b.explained.by_key[b"s2"] = EXPLAINED
        there, here = await ask(a, "s2", "/explanation"), await ask(b, "s2", "/explanation")
        of_b.explained.failure = BrokerUnavailable("no answer")
        broken = await ask(a, "s2", "/explanation")

    assert (none_yet[0], "error" in none_yet[1]) == (404, True)
    assert there == here == (200, msgspec.json.decode(EXPLAINED))
    assert broken[0] == 503


async def test_scores_by_week_are_answered_the_week_under_way_last() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, _ = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2")
        without = await ask(a, "s2", "/history")
        ratings = [rating(student="s3", minute=week * 7 * 24 * 60, at=0.2 + 0.2 * week) for week in range(3)]
        await of_b.fold("s3", events=ratings)
        weeks, scores = await ask(a, "s3", "/history"), await ask(a, "s3")

    assert without == (200, {"version": 1, "student_id": "s2", "skills": {}})
    assert weeks[0] == 200
    [empathy] = weeks[1]["skills"].values()
    assert [week for week, *_ in empathy] == ["2026-03-02", "2026-03-09", "2026-03-16"]
    assert empathy[-1][1] == pytest.approx(scores[1]["skills"]["empathy"]["score"], abs=1e-4)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("students/" + "x" * 257, 400),
        ("students/%FF", 400),
        ("students/%C3%28", 400),
        ("students/" + "%41" * 400, 400),
        ("students/" + "x" * 10_000, 400),
        ("students/", 403),  # no page: as all that there is not, for operators
        ("students", 403),
        ("students/a/b", 403),
        ("students/..%2F..%2Fmetrics", 404),
        ("students/%00%0d%0aX:y", 404),
        ("students/%E2%80%AE", 404),
        ("students/ada?x=" + "y" * 500, 404),
        ("students/ada/history/../../../metrics", 401),
    ],
)
async def test_what_is_no_id_is_answered_shortly(path: str, status: int) -> None:
    async with members() as group:
        students = Students()
        a = await start(group, "a", students, 0, 1, 2, 3)
        async with (
            aiohttp.ClientSession() as session,
            session.get(a.server.url + path, headers=BEARER if status != 401 else {}) as response,
        ):
            text = await response.text()
            assert response.status == status, text
            assert len(text) < 300
            assert "Traceback" not in text


async def test_ids_with_slashes_and_in_any_script_are_found() -> None:
    async with members() as group:
        students = Students()
        a = await start(group, "a", students, 0, 1, 2, 3)
        for student in ("https://home.example/42", "Zoë 1", "a%2Fb2", "名前3"):
            await students.fold(student)
            status, found = await ask(a, student)
            assert (status, found["student_id"]) == (200, student)


async def test_hundreds_of_questions_at_once_are_answered_or_told_to_come_again() -> None:
    async with members() as group:
        students = Students()
        a = await start(group, "a", students, 0, 1, 2, 3)
        for number in range(20):
            await students.fold(f"s{number}")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:

            async def one(number: int) -> int:
                url = f"{a.server.url}students/s{number % 25}"
                async with session.get(url, headers=BEARER) as response:
                    await response.read()
                    return response.status

            statuses = await asyncio.gather(*map(one, range(500)))

    assert statuses == [200 if number % 25 < 20 else 404 for number in range(500)]


async def test_more_questions_than_a_worker_takes_up_are_told_to_come_again() -> None:
    async with members() as group:
        students = Students(per_s=0.5, clock_s=lambda: 0.0)
        a = await start(group, "a", students, 0, 1, 2, 3)
        await students.fold("s1")
        statuses = [(await ask(a, "s1"))[0] for _ in range(3)]

    assert statuses == [200, 503, 503]
    assert queries(a) == {"answered": 1.0, "too_many": 2.0}

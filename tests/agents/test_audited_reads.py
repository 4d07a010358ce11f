"""Reads of students by pages: each is on the audit trail, by who answered it, or is not answered."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import aiohttp
import msgspec

from agents.audit.trail import BEARABLE_S
from agents.inference.group_rows import MSGPACK, ROWS_PATH, GroupRows, answer_rows
from agents.inference.rows import OwnRows
from agents.queries.audited import Reader
from agents.web.access import RoleTokens
from agents.web.pages import Page
from agents.web.students import reader_of
from schemas.audit import AuditRecord
from streams.inference.overlay import Unavailable
from streams.rows.codec import encode_row
from streams.rows.row import Row
from streams.rows.segments import segment_key
from streams.rows.table import PartitionedRows
from tests.agents.memory_audit import MemoryTrail
from tests.agents.student_pages import BEARER, TOKEN, TOKENS, Students, ask, nowhere, start
from tests.agents.worker_group import members

KINDS: Final = ("read_scores", "read_history", "read_explanation")


def told(records: Sequence[AuditRecord]) -> list[tuple[str, str]]:
    return [(record.action, record.outcome) for record in records]


async def test_the_worker_that_answers_records_it_whoever_is_asked() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a, _ = await start(group, "a", of_a, 0, 1), await start(group, "b", of_b, 2, 3)
        await of_b.fold("s2")
        of_b.rows.put(2, b"t2", encode_row(Row(erased_us=5)))
        for student in ("s2", "u2", "t2"):
            assert (await ask(a, student))[0] in (200, 404, 410)

    records = await of_b.audit.acts()
    assert told(records) == [("read_scores", outcome) for outcome in ("answered", "unknown", "erased")]
    names = of_b.audit.keyring.pseudonym
    assert [record.about for record in records] == [(names(student),) for student in ("s2", "u2", "t2")]
    assert {(record.who.role, record.who.fingerprint) for record in records} == {("reader", names(TOKEN))}
    assert await of_a.audit.acts() == []


async def test_who_says_to_be_a_worker_is_recorded_as_well() -> None:
    async with members() as group:
        students = Students()
        a = await start(group, "a", students, 0, 1, 2, 3)
        await students.fold("s2")
        assert (await ask(a, "s2", **{"Skillstream-Asked": "a"}))[0] == 200

    assert told(await students.audit.acts()) == [("read_scores", "answered")]


async def test_a_page_for_people_is_three_reads_and_what_is_refused_is_none() -> None:
    async with members() as group:
        students = Students()
        a = await start(group, "a", students, 0, 1, 2, 3)
        await students.fold("s2")
        async with aiohttp.ClientSession(a.server.url, headers=BEARER) as session:
            async with session.get("/student?id=s2") as page:
                assert page.status == 200
            async with session.get("/student") as form:
                assert form.status == 200
        for headers in ({}, {"Authorization": f"Bearer {TOKENS.operator}"}):
            assert (await a.get("students/s2", **headers))[0] in (401, 403)

    records = await students.audit.acts()
    assert sorted(record.action for record in records) == sorted(KINDS)
    assert len({record.about for record in records}) == 1


async def test_where_producers_place_keys_as_they_like_a_student_nobody_knows_is_one_read() -> None:
    async with members() as group:
        students = Students(owning_partition=nowhere)
        a = await start(group, "a", students, 0, 1, 2, 3)
        assert (await ask(a, "s2"))[0] == 404
        await students.fold("s2")
        assert (await ask(a, "s2"))[0] == 200

    assert told(await students.audit.acts()) == [
        ("read_scores", outcome) for outcome in ("unknown", "unknown", "answered")
    ]


async def test_what_cannot_be_recorded_is_not_answered() -> None:
    async with members() as group:
        students = Students()
        a = await start(group, "a", students, 0, 1, 2, 3)
        await students.fold("s2")
        students.audit.log.away = True
        assert (await ask(a, "s2"))[0] == 200, "the broker may be away for a moment"
        students.audit.now_s += BEARABLE_S + 1
        for more in ("", "/history"):
            status, said = await ask(a, "s2", more)
            assert status == 503
            assert "audit trail" in said["error"]
        async with aiohttp.ClientSession(a.server.url, headers=BEARER) as session:
            async with session.get("/student?id=s2") as page:
                assert page.status == 503
            async with session.get("/live") as live:
                assert live.status == 200


async def test_stored_rows_that_are_read_for_inference_are_recorded_by_who_has_them() -> None:
    token, trail = "a-token-for-inference", MemoryTrail()
    rows = PartitionedRows()
    for number in range(3):
        key = b"s%d" % number
        rows.put_many(0, {key: b"row", segment_key(key, 0): b"segment"})
    keys = [b"s0", segment_key(b"s0", 0), b"s1", b"nobody"]

    async with members() as group:

        async def respond(request: Any) -> Any:
            note = partial(trail.reads.rows, reader_of(request))
            return await answer_rows(OwnRows(rows, lambda _key: 0, lambda: frozenset({0})), note, request)

        page = Page(ROWS_PATH, respond, "POST", "inference")
        b = await group.start("b", 0, more_pages=lambda _: [page], tokens=RoleTokens(inference=token))
        async with (
            aiohttp.ClientSession(b.server.url, headers={"Authorization": f"Bearer {token}"}) as session,
            session.post(ROWS_PATH, data=msgspec.msgpack.encode(keys)) as answer,
        ):
            assert (answer.status, answer.content_type) == (200, MSGPACK)
        [record] = await trail.acts()
        trail.log.away = True
        note = partial(trail.reads.rows, Reader("inference", token))
        own = OwnRows(rows, lambda _key: 0, lambda: frozenset({0}))
        ask_group = GroupRows(own, b.peers, b.requests, {}, note)
        assert (await ask_group([b"s2"])) == [b"row"]
        trail.now_s += BEARABLE_S + 1
        found = await ask_group([b"s2", b"nobody"])

    assert (record.action, record.outcome) == ("read_rows", "answered")
    assert record.about == tuple(map(trail.keyring.pseudonym, ("s0", "s1")))
    assert isinstance(found[0], Unavailable)
    assert "audit trail" in found[0].error
    assert found[1] is None

"""Batch inference of a group: rows that another worker has are asked of it; its absence costs their students alone."""

from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec
import pytest

from agents.inference.group_rows import MAX_KEYS, ROWS_PATH, GroupRows, answer_rows
from agents.inference.rows import OwnRows
from agents.web.access import RoleTokens
from agents.web.pages import Page
from streams.inference.overlay import FoundRow, Unavailable
from streams.input.partitioner import Murmur2, Unchecked
from streams.input.placement import KeyPlacement
from streams.rows.segments import segment_key
from streams.rows.table import PartitionedRows
from tests.agents.worker_group import Member, Members, members

TOKEN = "a-token-for-inference"
PLACEMENT = KeyPlacement(Murmur2(), 4)
STUDENTS = [b"student-%d" % number for number in range(200)]


def partition_of(student: bytes) -> int:
    partition = PLACEMENT(student)
    assert partition is not None
    return partition


def table(*students: bytes) -> PartitionedRows:
    """A worker's, with a row and a segment of each student."""
    rows = PartitionedRows()
    for student in students:
        rows.put_many(partition_of(student), {student: b"row of " + student, segment_key(student, 0): b"segment"})
    return rows


def own_rows(member: Member) -> OwnRows:
    return OwnRows(table(*STUDENTS), PLACEMENT, lambda: member.partitions if member.ready else frozenset())


async def unrecorded(_keys: Sequence[bytes]) -> None:
    """See test_audited_reads."""


async def start(group: Members, name: str, *partitions: int, token: str = TOKEN, **given: Any) -> Member:
    async def respond(request: Any) -> Any:
        return await answer_rows(own_rows(member), unrecorded, request)

    page = Page(ROWS_PATH, respond, "POST", "inference")
    member = await group.start(
        name, *partitions, more_pages=lambda _: [page], tokens=RoleTokens(inference=token), **given
    )
    return member


async def find(member: Member, keys: Sequence[bytes]) -> list[FoundRow]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return await GroupRows(own_rows(member), member.peers, member.requests, headers, unrecorded)(keys)


async def test_rows_and_segments_of_all_students_are_found_in_their_order_whoever_has_them() -> None:
    async with members() as group:
        asked = await start(group, "a", 0)
        await start(group, "b", 1, 3)
        await start(group, "c", 2)
        keys = [*STUDENTS, segment_key(STUDENTS[0], 0), segment_key(STUDENTS[1], 7), b"nobody"]
        found = await find(asked, keys)

    assert len(STUDENTS) > 2 * MAX_KEYS
    assert found == [*(b"row of " + student for student in STUDENTS), b"segment", None, None]


@pytest.mark.parametrize("fault", ["gone", "restoring", "another token", "unowned"])
async def test_what_its_owner_does_not_tell_is_unavailable_and_the_rest_is_there(fault: str) -> None:
    async with members() as group:
        asked = await start(group, "a", 0, 1)
        other = await start(group, "b", 2, 3, token="another-token" if fault == "another token" else TOKEN)
        other.ready = fault != "restoring"
        if fault == "gone":
            await other.server.stop()
        if fault == "unowned":
            await other.announcer.leave()
        found = dict(zip(STUDENTS, await find(asked, STUDENTS), strict=True))

    for student, row in found.items():
        if partition_of(student) < 2:
            assert row == b"row of " + student
        else:
            assert isinstance(row, Unavailable)
            assert row.reason == "owner_away"


async def test_more_keys_than_one_request_may_have_and_garbage_are_refused() -> None:
    async with members() as group:
        worker = await start(group, "a", 0)
        statuses = []
        headers = {"Authorization": f"Bearer {TOKEN}"}
        too_many, too_large = msgspec.msgpack.encode([b""] * (MAX_KEYS + 1)), b"x" * 300_000
        async with aiohttp.ClientSession(headers=headers) as session:
            for body in (b"\xff", b"\x91\x01", too_many, too_large):
                async with session.post(f"{worker.server.url.rstrip('/')}{ROWS_PATH}", data=body) as response:
                    statuses.append(response.status)

    assert statuses == [400, 400, 400, 413]


def test_without_a_partitioner_only_rows_of_this_worker_are_found() -> None:
    rows, placement = table(STUDENTS[0]), KeyPlacement(Unchecked(), 4)
    found = OwnRows(rows, placement, lambda: frozenset(range(4))).find([STUDENTS[0], b"nobody"])
    cut_off = OwnRows(rows, placement, frozenset).find([STUDENTS[0]])

    assert found[0] == b"row of " + STUDENTS[0]
    assert isinstance(found[1], Unavailable)
    assert isinstance(cut_off[0], Unavailable)

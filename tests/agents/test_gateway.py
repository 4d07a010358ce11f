"""The gateway: what is answered with 2xx is on Kafka as any producer is to put it there; what is refused is not."""

import asyncio
import base64
import gzip
import logging
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import pytest

from agents.kafka.embedded import EmbeddedBroker
from tests.agents.deployment import owning_partition
from tests.contract.caliper_events import V1P1, caliper
from tests.contract.test_gateway_attachments import TYPE, about, part
from tests.contract.test_gateway_attachments import body as parts_of
from tests.contract.xapi_statements import ADL, ID, OTHER_ID, statement
from tests.events import fields
from tests.gateways import JSON, NDJSON, NORTH, NORTH_KEY, SOUTH, SOUTH_KEY, XAPI, Opened, actor, bearer, ndjson, opened
from tests.servers.missing import miss

STATEMENTS: Final = "/xapi/statements"
ADA: Final = f"{NORTH}ada"
QUIZ: Final = {"id": "https://north.example/quizzes/1", "type": "Assessment"}
_PATIENCE_S: Final = 60.0


def said(name: str = "ada", **given: Any) -> dict[str, Any]:
    """A statement of a student of the north."""
    return statement(**{"actor": actor(name), **given})


def envelope(*data: Any, **given: Any) -> dict[str, Any]:
    return {
        "sensor": "https://north.example/sensor",
        "sendTime": "2026-03-02T12:00:01.000Z",
        "dataVersion": V1P1,
        "data": [*data],
        **given,
    }


def datum(student: str = ADA, **given: Any) -> dict[str, Any]:
    return caliper("AssessmentEvent", "Started", QUIZ, actor={"id": student, "type": "Person"}, **given)


@pytest.fixture
async def north(broker: str, tmp_path: Path) -> AsyncIterator[Opened]:
    async with opened(broker, tmp_path) as running:
        yield running


async def test_what_is_taken_is_stored_as_records_keyed_by_their_students(north: Opened) -> None:
    native = [fields(student=f"{NORTH}n{number}") for number in range(20)]
    answers = [
        await north.post(STATEMENTS, [said("ada"), said("ben", id=OTHER_ID)], XAPI),
        await north.post("/caliper", envelope(datum(), datum(f"{NORTH}dan", id="urn:uuid:" + ID)), JSON),
        await north.post("/events", ndjson(native), NDJSON),
    ]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert answers[0].document == [ID, OTHER_ID]
    assert answers[1].document == {"events": 2}
    assert answers[2].document == {"taken": 20, "refused": 0, "errors": []}
    stored = await north.stored()
    students = [f"{NORTH}{name}" for name in ("ada", "ben", "ada", "dan", *(f"n{number}" for number in range(20)))]
    assert sorted(record.key or b"" for record in stored) == sorted(student.encode() for student in students)
    assert all(record.partition == owning_partition(record.key or b"") for record in stored)
    assert {north.tenants.tenancy.of_record(record) for record in stored} == {"north"}


async def test_every_refusal_has_its_status_and_its_reason_and_stores_nothing(north: Opened) -> None:
    good, native = said(), fields(student=ADA)
    foreign, bomb = said(actor=actor("eve", SOUTH)), gzip.compress(bytes(9 * 1024 * 1024))
    keyed, zipped = bearer(), {"Content-Encoding": "gzip"}
    asked: dict[str, tuple[str, str, Any, dict[str, str], tuple[int, str | None]]] = {
        "no key": ("POST", STATEMENTS, good, XAPI, (401, "key")),
        "another key": ("POST", STATEMENTS, good, {**XAPI, **bearer("skg_unknown")}, (401, "key")),
        "an empty key": ("POST", "/events", ndjson([native]), {**NDJSON, **bearer("")}, (401, "key")),
        "no version": ("POST", STATEMENTS, good, {**keyed, **JSON}, (400, "unreadable")),
        "version 0.95": (
            "POST", STATEMENTS, good, {**keyed, **XAPI, "X-Experience-API-Version": "0.95"}, (400, "unreadable")),
        "a parameter": ("POST", f"{STATEMENTS}?method=PUT", good, {**keyed, **XAPI}, (400, "unreadable")),
        "no JSON": ("POST", STATEMENTS, b"{", {**keyed, **XAPI}, (400, "unreadable")),
        "no statement": ("POST", STATEMENTS, b"[5]", {**keyed, **XAPI}, (400, "unreadable")),
        "an empty statement": ("POST", STATEMENTS, b" { } ", {**keyed, **XAPI}, (400, "unreadable")),
        "no type": ("POST", STATEMENTS, good, {**keyed, **XAPI, "Content-Type": "text/plain"}, (400, "unreadable")),
        "one id twice": ("POST", STATEMENTS, [good, said("ben")], {**keyed, **XAPI}, (400, "unreadable")),
        "one of two is broken": (
            "POST", STATEMENTS, [good, said(id=OTHER_ID, verb={})], {**keyed, **XAPI}, (400, "unreadable")),
        "2.0 in a request of 1.0": ("POST", STATEMENTS, said(version="2.0.0"), {**keyed, **XAPI}, (400, "unreadable")),
        "another tenant's student": ("POST", STATEMENTS, foreign, {**keyed, **XAPI}, (403, "foreign_student")),
        "one of two is another's": (
            "POST", STATEMENTS, [good, {**foreign, "id": OTHER_ID}], {**keyed, **XAPI}, (403, "foreign_student")),
        "PUT without id": ("PUT", STATEMENTS, good, {**keyed, **XAPI}, (400, "unreadable")),
        "PUT with a parameter in capitals": (
            "PUT", f"{STATEMENTS}?StatementId={ID}", good, {**keyed, **XAPI}, (400, "unreadable")),
        "PUT of another id": (
            "PUT", f"{STATEMENTS}?statementId={OTHER_ID}", good, {**keyed, **XAPI}, (400, "unreadable")),
        "PUT of no UUID": ("PUT", f"{STATEMENTS}?statementId=7", good, {**keyed, **XAPI}, (400, "unreadable")),
        "PUT of an array": ("PUT", f"{STATEMENTS}?statementId={ID}", [good], {**keyed, **XAPI}, (400, "unreadable")),
        "a read": ("GET", STATEMENTS, None, {**keyed, **XAPI}, (405, None)),
        "no such path": ("POST", "/xapi/activities/state", good, {**keyed, **XAPI}, (404, None)),
        "no envelope": ("POST", "/caliper", datum(), {**keyed, **JSON}, (400, "unreadable")),
        "an empty envelope": ("POST", "/caliper", envelope(), {**keyed, **JSON}, (400, "unreadable")),
        "a broken datum": (
            "POST", "/caliper", envelope(datum(), {"type": "Event"}), {**keyed, **JSON}, (400, "unreadable")),
        "an envelope of another type": (
            "POST", "/caliper", envelope(datum()), {**keyed, **NDJSON}, (415, "unreadable")),
        "another's datum": (
            "POST", "/caliper", envelope(datum(f"{SOUTH}eve")), {**keyed, **JSON}, (403, "foreign_student")),
        "lines of another type": ("POST", "/events", ndjson([native]), {**keyed, **JSON}, (415, "unreadable")),
        "no good line": ("POST", "/events", b"{}\n[]\n", {**keyed, **NDJSON}, (400, None)),
        "too many lines": ("POST", "/events", b"\n" * 10_001, {**keyed, **NDJSON}, (413, "too_large")),
        "too large": ("POST", "/events", b" " * (8 * 1024 * 1024 + 1), {**keyed, **NDJSON}, (413, "too_large")),
        "a gzip bomb": ("POST", "/events", bomb, {**keyed, **NDJSON, **zipped}, (413, "too_large")),
        "no gzip": ("POST", "/events", ndjson([native]), {**keyed, **NDJSON, **zipped}, (400, "unreadable")),
        "half a gzip": (
            "POST", "/events", gzip.compress(b"{}")[:-9], {**keyed, **NDJSON, **zipped}, (400, "unreadable")),
        "another coding": (
            "POST", "/events", ndjson([native]), {**keyed, **NDJSON, "Content-Encoding": "br"}, (415, "unreadable")),
    }  # fmt: skip

    found = {}
    for name, (method, path, body, headers, _) in asked.items():
        answer = await north.request(method, path, body, headers)
        found[name] = (answer.status, answer.document.get("reason"))

    assert found == {name: expected for name, (*_, expected) in asked.items()}
    assert await north.stored() == []


async def test_a_refusal_of_a_statement_names_the_rule_and_the_place(north: Opened) -> None:
    broken = said(id=OTHER_ID, verb={"id": "answered"})

    answer = await north.post(STATEMENTS, [said(), broken], XAPI)

    assert answer.document["rule"] == "XAPI-00044"
    assert answer.document["statement"] == 1
    assert "$.verb.id" in answer.document["error"]
    assert answer.headers["X-Experience-API-Version"] == "1.0.3"


async def test_it_says_which_versions_it_takes(north: Opened) -> None:
    answer = await north.request("GET", "/xapi/about", None, {})

    assert (answer.status, answer.document) == (200, {"version": ["1.0.3", "2.0.0"]})


async def test_put_stores_the_statement_under_the_id_of_the_request(north: Opened) -> None:
    headers = {**bearer(), **XAPI, "X-Experience-API-Version": "2.0"}

    answer = await north.request("PUT", f"{STATEMENTS}?statementId={OTHER_ID}", said(id=None), headers)

    assert (answer.status, answer.headers["X-Experience-API-Version"]) == (204, "2.0.0")
    [record] = await north.stored()
    document = orjson.loads(record.value or b"")
    assert (document["id"], document["version"]) == (OTHER_ID, "2.0.0")


async def test_a_statement_without_an_id_has_the_same_one_when_it_is_sent_again(north: Opened) -> None:
    first, again = [await north.post(STATEMENTS, said(id=None), XAPI) for _ in range(2)]
    other = await north.post(STATEMENTS, said(id=None, verb={"id": f"{ADL}attempted"}), XAPI)

    assert first.status == 200
    assert first.document == again.document != other.document
    ids = [orjson.loads(record.value or b"")["id"] for record in await north.stored()]
    assert sorted(ids) == sorted([*first.document, *again.document, *other.document])


async def test_contents_of_attachments_come_with_their_statements_and_are_not_stored(north: Opened) -> None:
    content = b"what a student wrote"
    document = about(content, actor=actor("ada"))
    headers = {**bearer(), **XAPI, "Content-Type": TYPE}
    asked = {"POST": STATEMENTS, "PUT": f"{STATEMENTS}?statementId={ID}"}
    answers = [
        await north.request(method, path, parts_of(document, part(content)), headers) for method, path in asked.items()
    ]
    refused = await north.request("POST", STATEMENTS, parts_of(document), headers)

    assert [(answer.status, answer.document) for answer in answers] == [(200, [ID]), (204, None)]
    assert (refused.status, refused.document["rule"]) == (400, "XAPI-00129")
    stored = [record.value or b"" for record in await north.stored()]
    assert [content in value for value in stored] == [False, False]


async def test_a_key_may_come_as_a_password_and_a_body_packed(north: Opened) -> None:
    body = gzip.compress(b"[") + gzip.compress(orjson.dumps(said()) + b"]")

    password = base64.b64encode(f"moodle:{NORTH_KEY}".encode()).decode()
    headers = {**XAPI, "Content-Encoding": "gzip", "Authorization": f"Basic {password}"}

    answer = await north.request("POST", STATEMENTS, body, headers)

    assert (answer.status, answer.document) == (200, [ID])


async def test_events_are_taken_and_refused_one_by_one(north: Opened) -> None:
    body = ndjson([fields(student=ADA), {"type": "hint"}, fields(student=f"{SOUTH}eve"), said("ben")])

    answer = await north.post("/events", b"\n" + body, NDJSON)

    assert answer.status == 207
    assert (answer.document["taken"], answer.document["refused"]) == (2, 2)
    assert [(each["line"], each["reason"]) for each in answer.document["errors"]] == [
        (3, "invalid_field"),
        (4, "foreign_student"),
    ]
    assert {record.key for record in await north.stored()} == {ADA.encode(), f"{NORTH}ben".encode()}


async def test_what_is_nobody_s_is_stored_without_a_key(north: Opened) -> None:
    answer = await north.post(STATEMENTS, said(verb={"id": "https://north.example/verbs/hummed"}), XAPI)

    assert answer.status == 200
    [record] = await north.stored()
    assert record.key is None


async def connected(north: Opened, header: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has sent the header of a request to `/events`."""
    at = urlsplit(north.gateway.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    key = f"Authorization: Bearer {NORTH_KEY}\r\nContent-Type: application/x-ndjson\r\n".encode()
    writer.write(b"POST /events HTTP/1.1\r\nHost: localhost\r\n" + key + header)
    return reader, writer


async def answered(reader: asyncio.StreamReader) -> bytes:
    """The status line of what comes."""
    async with asyncio.timeout(_PATIENCE_S):
        return await reader.readline()


async def test_a_body_that_does_not_come_is_waited_for_so_long_and_no_longer(broker: str, tmp_path: Path) -> None:
    async with opened(broker, tmp_path, gateway_body_timeout_s=0.2) as north:
        reader, writer = await connected(north, b"Content-Length: 10\r\n\r\n{")
        assert b" 408 " in await answered(reader)
        writer.close()


async def test_a_header_that_does_not_end_is_cut(broker: str, tmp_path: Path) -> None:
    async with opened(broker, tmp_path, web_header_timeout_s=0.2) as north:
        reader, writer = await connected(north, b"X-Slow: ")
        assert await answered(reader) == b""
        writer.close()
        assert north.gateway.metrics.connections_cut.values()["slow"] == 1


async def holds(north: Opened, size_bytes: int) -> bool:
    """Whether just so many bytes of requests are held."""
    async with north.client.get("/metrics") as response:
        text = await response.text()
    [held] = [row.split()[1] for row in text.splitlines() if row.startswith("skillstream_gateway_held_bytes ")]
    return float(held) == size_bytes


async def is_ready(north: Opened, expected: bool = True) -> bool:
    """Whether it says so, or, where that is expected, does not."""
    answer = await north.request("GET", "/ready", None, {})
    return (answer.status, answer.document) == (200 if expected else 503, {"ready": expected})


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)


async def test_what_finds_no_room_is_refused_and_taken_when_there_is_some(broker: str, tmp_path: Path) -> None:
    mib = 1024 * 1024
    async with opened(broker, tmp_path, gateway_in_flight_mb=8, gateway_max_body_mb=2) as north:
        waiting = [await connected(north, b"Content-Length: %d\r\n\r\n" % (2 * mib)) for _ in range(3)]
        for _, writer in waiting:
            writer.write(b" " * (2 * mib - 1))
            await writer.drain()
        await eventually(lambda: holds(north, 6 * mib - 3))

        refused = await north.post("/events", ndjson([fields(student=ADA)]), NDJSON)
        assert (refused.status, refused.document["reason"], refused.headers["Retry-After"]) == (429, "busy", "1")
        others = ndjson([fields(student=f"{SOUTH}eve")])
        assert (await north.post("/events", others, NDJSON, SOUTH_KEY)).status == 200
        busy = [
            line for line in north.gateway.metrics.render()[0].decode().splitlines() if 'outcome="busy",ten' in line
        ]
        assert busy == ['skillstream_gateway_tenant_requests_total{outcome="busy",tenant="north"} 1.0']

        for _, writer in waiting:
            writer.close()
            await writer.wait_closed()
        await eventually(lambda: holds(north, 0))
        assert (await north.post("/events", ndjson([fields(student=ADA)]), NDJSON)).status == 200


async def test_without_a_broker_nothing_is_acknowledged(tmp_path: Path) -> None:
    with EmbeddedBroker() as its_own:
        async with opened(its_own.bootstrap, tmp_path, gateway_ack_timeout_s=0.5) as north:
            body = ndjson([fields(student=ADA)])
            await eventually(lambda: is_ready(north))
            its_own.__exit__(None, None, None)

            refused = await north.post("/events", body, NDJSON)
            assert (refused.status, refused.document["reason"]) == (503, "unavailable")
            assert refused.headers["Retry-After"] == "1"
            assert (await north.request("GET", "/live", None, {})).status == 200
            await eventually(lambda: is_ready(north, False))
            assert north.gateway.metrics.events.values() == {}


async def test_a_request_under_way_is_finished_before_the_end(broker: str, tmp_path: Path) -> None:
    body = ndjson([fields(student=ADA)])
    async with opened(broker, tmp_path) as north:
        reader, writer = await connected(north, b"Content-Length: %d\r\n\r\n" % len(body))
        writer.write(body[:9])
        await eventually(lambda: holds(north, 9))
        stored = north.stored
        north.gateway.stop()
        writer.write(body[9:])
        assert b" 200 " in await answered(reader)
        writer.close()

    assert [record.key for record in await stored()] == [ADA.encode()]


async def test_metrics_are_for_who_has_the_token_and_count_what_was_answered(broker: str, tmp_path: Path) -> None:
    token = "a-token-of-the-operators-23"
    async with opened(broker, tmp_path, web_token=token) as north:
        await north.post(STATEMENTS, [said(), said("ben", id=OTHER_ID)], XAPI)
        await north.post(STATEMENTS, said(), XAPI, SOUTH_KEY)
        assert (await north.request("GET", "/metrics", None, bearer())).status == 401
        async with north.client.get("/metrics", headers=bearer(token)) as response:
            text = await response.text()

    assert 'skillstream_gateway_events_total{tenant="north"} 2.0' in text
    assert 'skillstream_gateway_requests_total{outcome="foreign_student"} 1.0' in text
    assert 'skillstream_gateway_tenant_requests_total{outcome="taken",tenant="north"} 1.0' in text
    assert 'skillstream_gateway_tenant_requests_total{outcome="foreign_student",tenant="south"} 1.0' in text
    assert "skillstream_gateway_ack_seconds_count 1.0" in text


async def test_the_access_log_names_nobody(north: Opened, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await north.post(STATEMENTS, said("ada-lovelace"), XAPI)
        await north.post(STATEMENTS, said("ada-lovelace", verb={"id": "ada-lovelace"}), XAPI)
        await north.request("PUT", f"{STATEMENTS}?statementId={ID}", said("ada-lovelace"), {**bearer(), **XAPI})

    said_of_requests = [record.getMessage() for record in caplog.records if record.name == "agents.gateway.requests"]
    assert [message.split(", ")[0] for message in said_of_requests] == [
        "POST /xapi/statements 200",
        "POST /xapi/statements 400",
        "PUT /xapi/statements 204",
    ]
    for hidden in ("lovelace", ID, "127.0.0.1", NORTH_KEY):
        assert hidden not in "\n".join(said_of_requests)


async def test_it_speaks_tls_where_it_has_a_certificate(broker: str, tmp_path: Path) -> None:
    made = await certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=made[0])
    async with opened(broker, tmp_path, trusted, gateway_certificate=made[0], gateway_private_key=made[1]) as north:
        assert north.gateway.url.startswith("https://")
        assert (await north.post(STATEMENTS, said(), XAPI)).status == 200


async def certificate(folder: Path) -> tuple[str, str]:
    """Of this machine, and its key: two files."""
    openssl = shutil.which("openssl")
    if openssl is None:
        miss("a certificate is made by openssl, and there is none on the PATH")
    files = str(folder / "certificate.pem"), str(folder / "key.pem")
    asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    extra = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]]
    made = await asyncio.create_subprocess_exec(
        openssl, *asked.split(), *extra, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    assert await made.wait() == 0
    return files

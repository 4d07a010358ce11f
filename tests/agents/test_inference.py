"""`POST /inference/batch`: what is asked, what is answered, and what those get who mean it ill."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from agents.config.settings import Settings
from agents.inference.messages import AnswerText, EndEvents, ScoreRows
from agents.inference.process import InferenceFailed, InferenceProcess
from agents.inference.setup import process_setup
from agents.web import Bounds
from schemas.fusion_config import Overrides
from streams.norms.view import NormView
from streams.rows.codec import encode_row
from tests.agents.inference_pages import NDJSON, PATH, TOKEN, inference, shipped_pipeline, store, until
from tests.agents.situation import Situation, seen
from tests.events import event, folded, raw
from tests.norms import snapshot_of

__all__ = ["seen"]


def body_of(*items: bytes) -> bytes:
    return b"\n".join(items)


async def test_students_are_told_as_of_now_and_events_without_being_stored(seen: Situation) -> None:
    async with inference(seen) as worker:
        stored = await store(worker, raw(), raw(student="bo", minute=-9))
        rows = dict(worker.rows)
        of_students = await worker.ask(b'"bo"\n\n  "nobody"\r\n7\n"ada"\n"' + b"x" * 300 + b'"')
        onto_empty = await worker.ask(body_of(raw(minute=-1), b"{", raw(student="bo", minute=-2), raw(minute=-3)))
        document = orjson.dumps({"events": [orjson.loads(raw(minute=-1))], "onto": "stored"})
        onto_stored = await worker.ask(document, **{"Content-Type": "application/json"})
        in_lines = await worker.ask(raw(minute=-1), "?onto=stored")
        too_large = await worker.ask(body_of(raw(), b"x" * 2_000_000, raw(student="bo")))
        nothing = await worker.ask(b"\n\n")

    assert of_students.status == 200
    assert of_students.headers["Content-Type"] == "application/x-ndjson"
    assert [each.get("update") for each in of_students.lines] == [stored["bo"], None, None, stored["ada"], None]
    assert [each.get("reason") for each in of_students.lines] == [
        None,
        "unknown_student",
        "not_an_id",
        None,
        "not_an_id",
    ]
    counts = of_students.end["summary"]["counts"]
    assert (counts["items"], counts["updates"], counts["errors"]) == (5, 2, 3)
    assert of_students.end["summary"]["config_version"] == stored["ada"]["config_version"]

    assert [each["item"] for each in onto_empty.lines] == [0, 1, 2]
    assert onto_empty.lines[1]["reason"] == "not_json"
    assert [each["update"]["seq"] for each in onto_empty.lines if "update" in each] == [[0, 3], [0, 2]]
    assert onto_empty.end["summary"]["counts"]["applied"] == 3

    assert in_lines.text == onto_stored.text
    assert onto_stored.lines[0]["update"]["student_id"] == "ada"
    assert onto_stored.lines[0]["update"] != stored["ada"]
    assert worker.rows == rows, "nothing was stored"
    assert [each.get("reason") for each in too_large.lines] == [None, "too_large", None]
    assert (nothing.status, nothing.lines, nothing.end["summary"]["counts"]["items"]) == (200, [], 0)
    assert worker.outcomes() == {"answered": 6}
    assert seen.metrics.inference_starts.value == 1


@pytest.mark.parametrize(
    ("body", "headers", "status", "said"),
    [
        (b"{}", {"Content-Type": "text/csv"}, 415, "Content-Type"),
        (b"\x1f\x8b", {"Content-Encoding": "gzip"}, 415, "Content-Encoding"),
        (b"{", {"Content-Type": "application/json"}, 400, "not a document"),
        (b"[" * 100_000, {"Content-Type": "application/json"}, 400, "not a document"),
        (b"\xff", {"Content-Type": "application/json"}, 400, "not a document"),
        (b"{}", {"Content-Type": "application/json"}, 400, "students or events"),
        (b'{"students":[],"events":[]}', {"Content-Type": "application/json"}, 400, "students or events"),
        (b'{"students":["a","b","c","d"]}', {"Content-Type": "application/json"}, 413, "3 items"),
        (b'"a"\n"b"\n"c"\n"d"', {}, 413, "3 items"),
        (b'"a"\n' * 20_000, {}, 413, "3 items"),
        (b" " * 1_049_000, {}, 413, "1,048,576 bytes"),
        (b'{"students":["' + b"x" * 1_049_000, {"Content-Type": "application/json"}, 413, "1,048,576 bytes"),
    ],
)
async def test_what_is_no_request_is_refused_with_the_reason(
    seen: Situation, body: bytes, headers: dict[str, str], status: int, said: str
) -> None:
    async with inference(seen, inference_items=3, inference_max_mb=1) as worker:
        answer = await worker.ask(body, **headers)

    assert answer.status == status
    assert said in answer.end["error"]
    assert not seen.metrics.inference_starts.value


async def test_a_parameter_that_is_not_known_is_refused(seen: Situation) -> None:
    async with inference(seen) as worker:
        assert "no parameter of" in (await worker.ask(b'"a"', "?of=students")).end["error"]
        assert "empty or stored" in (await worker.ask(b'"a"', "?onto=disk")).end["error"]


async def test_more_events_than_items_are_refused_wherever_they_are(seen: Situation) -> None:
    statement = b'{"actor": {}, "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"}, "object": {"id": "http://a.example/q"}}'
    async with inference(seen, inference_items=3) as worker:
        answer = await worker.ask(body_of(raw(), b"[" + b",".join([statement] * 3) + b"]"))
        again = await worker.ask(raw())

    assert (answer.status, again.status) == (413, 200)
    assert worker.outcomes() == {"too_many": 1, "answered": 1}


async def test_half_a_body_and_then_silence_is_cut(seen: Situation) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b'"ada"\n"b'
        await asyncio.Event().wait()

    async with (
        inference(seen, inference_pause_s=0.1) as worker,
        worker.session.post(PATH, data=half(), headers=NDJSON) as response,
    ):
        assert response.status == 408
        assert "no more of the body" in (await response.json())["error"]

    assert worker.outcomes() == {"slow": 1}


async def test_more_requests_than_are_set_are_asked_to_come_again_until_the_client_is_gone(
    seen: Situation, caplog: pytest.LogCaptureFixture
) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b'"ada"\n'
        await asyncio.Event().wait()

    async with inference(seen, inference_requests=1) as worker:
        first = asyncio.create_task(worker.session.post(PATH, data=slow(), headers=NDJSON))
        await until(lambda: worker.endpoint.under_way == 1)
        second = await worker.ask(b'"ada"')
        first.cancel()
        await until(lambda: worker.endpoint.under_way == 0)

    assert (second.status, second.headers["Retry-After"]) == (429, "2")
    assert worker.outcomes() == {"busy": 1, "gone": 1}
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_client_that_does_not_read_stops_the_work_and_is_cut(seen: Situation) -> None:
    students = b"".join(b'"%d-%b"\n' % (number, b"x" * 200) for number in range(30_000))
    head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n"
    head += b"Authorization: Bearer %b\r\n\r\n"
    async with inference(seen, inference_items=30_000, inference_pause_s=10) as worker:
        address = urlsplit(worker.url)
        _reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1_024)  # reads not ahead
        writer.write(head % (PATH.encode(), len(students), TOKEN.encode()) + students)
        await until(lambda: worker.outcomes() == {"slow": 1})
        writer.close()

    assert 0 < worker.asked < 30_000, "what nobody reads is not even looked up"


async def test_a_process_that_is_killed_fails_its_requests_and_the_next_one_starts_another(seen: Situation) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield body_of(*[raw(minute=minute) for minute in range(600)])
        begun.set()
        await go_on.wait()
        yield b"\n" + raw(minute=601)

    async with inference(seen) as worker:
        first = asyncio.create_task(worker.session.post(PATH, data=slow(), headers=NDJSON))
        await begun.wait()
        await until(lambda: worker.process.pid is not None)
        assert worker.process.pid is not None
        os.kill(worker.process.pid, signal.SIGKILL)
        go_on.set()
        async with await first as response:
            assert response.status == 503
            assert "Retry-After" in response.headers
        assert (await worker.ask(raw())).status == 200

    assert worker.outcomes() == {"failed": 1, "answered": 1}
    assert seen.metrics.inference_starts.value == 2


async def test_an_answer_after_which_the_connection_is_closed_says_so(seen: Situation) -> None:
    async with inference(seen, Bounds(requests=2)) as worker:
        answers = [await worker.ask(b'"ada"') for _ in range(5)]

    assert [answer.headers.get("Connection") for answer in answers] == [None, "close", None, "close", None]


async def test_without_the_token_for_it_nothing_is_scored(seen: Situation) -> None:
    async with inference(seen) as worker:
        without = await worker.ask(b'"ada"', Authorization="")
        wrong = await worker.ask(b'"ada"', Authorization="Bearer guessed")

    assert (without.status, wrong.status) == (401, 401)
    assert not worker.asked


async def test_a_process_that_nobody_asks_for_a_while_ends_and_starts_when_it_is_asked() -> None:
    starts: list[None] = []
    setup = process_setup(Settings(inference_nice=0))
    process = InferenceProcess(setup, shipped_pipeline().base_version, lambda: starts.append(None), idle_s=0.01)
    await process.ask(EndEvents(0))
    pid = process.pid
    assert pid is not None
    await until(lambda: process.pid is None and not Path(f"/proc/{pid}").exists())
    await process.ask(EndEvents(0))
    await process.stop()

    assert len(starts) == 2


async def test_scores_are_under_the_norms_that_are_in_force_in_the_worker_also_in_a_process_that_began_anew() -> None:
    first, second = NormView(snapshot_of({"i1": {}})), NormView(snapshot_of({"i1": {}}, number=2))
    in_force: list[NormView | None] = [None]
    base_version = shipped_pipeline().base_version
    setup = process_setup(Settings(inference_nice=0))
    process = InferenceProcess(setup, base_version, lambda: None, norms=lambda: in_force[-1])
    question = ScoreRows(students=[b"ada"], rows=[encode_row(folded(event()))], items=[0], overrides=Overrides())

    async def norms_version() -> str | None:
        reply = await process.ask(question)
        assert isinstance(reply, AnswerText)
        version: str | None = orjson.loads(reply.text)["update"].get("norms_version")
        return version

    versions = [await norms_version()]
    for view in (first, second):
        in_force.append(view)
        versions.append(await norms_version())
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not Path(f"/proc/{pid}").exists())
    versions.append(await norms_version())
    await process.stop()

    assert versions == [None, first.version, second.version, second.version]


async def test_a_process_that_would_score_otherwise_than_the_worker_is_not_used() -> None:
    process = InferenceProcess(process_setup(Settings(inference_nice=0)), "of-another-model", lambda: None)

    with pytest.raises(InferenceFailed, match="restart it"):
        await process.ask(EndEvents(0))
    assert process.pid is None

    await process.stop()

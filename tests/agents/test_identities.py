"""Other ids of students, on the embedded broker: a worker and commands answer about the student."""

import re
import signal
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import orjson
import pytest

from schemas.topics import IDENTITIES
from streams.rows.codec import decode_row
from tests.agents.command import Ran, run_here
from tests.agents.dead_letter_commands import environment
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed, owning_partition
from tests.agents.single_students import many_of
from tests.agents.worker_process import WorkerProcess
from tests.events import raw

READER: Final = "a reader's own token, 2"
MAIL: Final = "fay@school.example"
Started = tuple[Deployment, WorkerProcess]


@pytest.fixture(scope="module")
def started(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("identities")
    with deployed(broker, folder, model="none", reader_token=READER, identities_mb=16) as made:
        entries = {MAIL: b'{"student_id":"fay-2"}', "fay-2": b'{"student_id":"fay"}', "spoilt": b"no JSON"}
        name(made, entries)
        made.send([an_event(MAIL, "before anything was stated")])
        dying = made.start(program="tests.agents.dying_at_a_start")
        await_known(dying)
        made.await_caught_up()
        made.send([*many_of("fay", 3), an_event(MAIL, "at the start")])
        assert dying.exit_code() == -signal.SIGKILL, dying.tail()
        made.send([an_event(MAIL, "before the next worker knew")])
        worker = made.start()
        await_known(worker)
        made.send([an_event(MAIL, "later")])
        made.await_caught_up()
        yield made, worker
        assert worker.terminate() == 0, worker.tail()


def name(made: Deployment, entries: Mapping[str, bytes | None]) -> None:
    sent = [Sent(key.encode(), value, partition=0) for key, value in entries.items()]
    made.send(sent, made.settings.topic(IDENTITIES.name))


def an_event(of: str, event_id: str) -> Sent:
    return Sent(of.encode(), raw("attempt", of, event_id=event_id))


def await_known(worker: WorkerProcess) -> None:
    worker.await_ready()
    until(lambda: worker.metrics().get("identities") == 2, "the entries known")


def events_of(made: Deployment, student: str) -> int:
    row = made.table().get(owning_partition(student), student.encode())
    return 0 if row is None else decode_row(row).events


def asked(worker: WorkerProcess, student: str) -> tuple[int, str | None, str | None]:
    """Status, whose answer it is, and where that is."""
    request = Request(f"{worker.url}/students/{quote(student)}", headers={"Authorization": f"Bearer {READER}"})
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, orjson.loads(answer.read())["student_id"], answer.headers["Content-Location"]
    except HTTPError as refused:
        with refused:
            return refused.code, None, None


def called(made: Deployment, *arguments: object) -> Ran:
    return run_here(environment(made), *map(str, arguments))


def about(ran: Ran) -> set[str]:
    """Whom a document names."""
    return set(re.findall(r'"student(?:_id)?":"([^"]*)"', ran.out.decode()))


def scores_of(student: str, exported: Ran) -> list[object]:
    rows = [each for each in exported.lines if each["student_id"] == student]
    return [(each["skill"], each["score"]) for each in rows]


def test_a_worker_answers_by_another_id_as_long_as_an_entry_says_so(started: Started) -> None:
    made, worker = started
    assert asked(worker, MAIL) == (HTTPStatus.OK, "fay", "/students/fay")
    assert asked(worker, "fay") == (HTTPStatus.OK, "fay", None)
    assert asked(worker, "spoilt")[0] == HTTPStatus.NOT_FOUND
    assert worker.metrics()['identities_refused_total{reason="not_an_identity"}'] == 1

    name(made, {"new": b'{"student_id":"fay"}'})
    until(lambda: asked(worker, "new")[0] == HTTPStatus.OK, "a later entry known")
    name(made, {"new": None})
    until(lambda: asked(worker, "new")[0] == HTTPStatus.NOT_FOUND, "an entry taken back")
    assert MAIL not in worker.log


def test_commands_answer_by_another_id_and_say_whose_it_is(started: Started) -> None:
    made, _ = started
    for command in (["student"], ["explain", "--dry-run"]):
        by_own, by_other = called(made, *command, "fay", "--json"), called(made, *command, MAIL, "--json")
        assert by_own.code == by_other.code == 0, by_other.err
        assert about(by_other) == about(by_own) == {"fay"}
        assert f"{MAIL} is another id of fay" in by_other.err
    assert called(made, "student", "spoilt").code == 1


def test_reads_are_listed_by_any_id_of_whom_they_are_about(started: Started) -> None:
    made, worker = started
    assert asked(worker, MAIL)[0] == HTTPStatus.OK
    listed = [called(made, "audit", "--json", "--about", each).out for each in (MAIL, "fay", "fay-2")]
    assert b"read_scores" in listed[0]
    assert listed[0] == listed[1] == listed[2]
    assert called(made, "audit", "--json", "--about", "nobody").out == b""


def test_events_of_another_id_count_for_the_student_from_the_start_on_that_a_killed_worker_stated(
    started: Started,
) -> None:
    made, _ = started
    assert (events_of(made, MAIL), events_of(made, "fay-2"), events_of(made, "fay")) == (1, 0, 6)
    verified = called(made, "verify")
    assert verified.code == 0, verified.text + verified.err
    published, refolded = (called(made, "export", "--jsonl", *given) for given in ((), ("--as-of", "2100-01-01")))
    assert scores_of("fay", published) == scores_of("fay", refolded) != []


def test_what_health_says_of_them(started: Started) -> None:
    _, worker = started
    component = worker.get("/health/detailed").json["components"]["identities"]
    assert component["status"] == "ok"
    assert "other ids of students are known" in component["reason"]

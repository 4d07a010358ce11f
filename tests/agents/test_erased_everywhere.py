"""After an erasure a worker knows nothing of the student any more, in no page, and its disk holds nothing of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.agents.command import run_here
from tests.agents.dead_letter_commands import environment
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed
from tests.agents.single_students import FAST_LIMITS
from tests.agents.worker_process import WorkerProcess
from tests.events import raw

READER: Final = "of-teachers-0123456789abcd"
ADA, BO = STUDENTS = "canary-ada", "canary-bo"
CLASSES: Final = {ADA: "7hq2vx9kd3", BO: "w5mzt8ry1c"}
"""Of letters that nothing else has: what repeats is not in a compressed file as it is written."""
PAGES: Final = ("students/{}", "students/{}/history", "students/{}/explanation", "student?id={}")

Running = tuple[Deployment, WorkerProcess, Path]


@pytest.fixture(scope="module")
def running(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A worker that keeps rows on disk and explains by a script; each page was asked for, of two students."""
    folder = tmp_path_factory.mktemp("everywhere")
    on_disk = {"store": "rocksdb", "store_dir": str(folder / "store"), "instance_id": "one"}
    with deployed(broker, folder, reasoning="scripted", reader_token=READER, **on_disk, **FAST_LIMITS) as made:
        worker = made.start()
        worker.await_ready()
        made.send(
            an_event(student, f"e{number}", number, class_id=CLASSES[student])
            for student in STUDENTS
            for number in range(12)
        )
        until(lambda: {each.student_id for each in made.explanations()} == {*STUDENTS}, "an explanation each")
        made.await_caught_up()
        for student in STUDENTS:
            assert [asked(worker, page.format(student))[0] for page in PAGES] == [200] * len(PAGES)
        yield made, worker, folder / "store"


def an_event(student: str, event_id: str, number: int, **more: str) -> Sent:
    value = raw("attempt", student, event_id=event_id, minute=number, score=number % 2, **more)
    return Sent(student.encode(), value)


def asked(worker: WorkerProcess, path: str) -> tuple[int, bytes]:
    request = Request(f"{worker.url}/{path}", headers={"Authorization": f"Bearer {READER}"})
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except HTTPError as refused:
        return refused.code, refused.read()


def files_with(store: Path, word: str) -> list[str]:
    found = []
    for file in store.rglob("*"):
        try:
            if file.is_file() and word.encode() in file.read_bytes():
                found.append(file.name)
        except FileNotFoundError:
            continue  # compacted just now
    return found


def test_no_page_tells_of_an_erased_student_and_no_file_of_the_store_holds_them(running: Running) -> None:
    deployment, worker, store = running
    restarted = _restarted(deployment, worker)  # so that what is in memory is written out
    assert files_with(store, CLASSES[ADA])
    assert CLASSES[ADA].encode() in asked(restarted, PAGES[0].format(ADA))[1]

    assert run_here(environment(deployment), "erase", ADA, "--yes").code == 0

    for page in PAGES:
        status, said = asked(restarted, page.format(ADA))
        assert status == 410
        assert CLASSES[ADA].encode() not in said
    until(lambda: files_with(store, CLASSES[ADA]) == [], "files without the student")
    until(lambda: restarted.metrics()["store_former_rows"] == 0, "nothing left to do")
    assert restarted.metrics()["erasures_open"] == 0
    assert [asked(restarted, page.format(BO))[0] for page in PAGES] == [200] * len(PAGES)
    for path in ("/worker/figures", "/group/figures", "/health/detailed", "/metrics", "/"):
        page_of_all = restarted.get(path)
        assert (page_of_all.status, ADA.encode() in page_of_all.body) == (200, False)

    deployment.send([an_event(ADA, "back", 0)])  # without a class, in whose place the former one could show
    deployment.await_caught_up()
    status, said = asked(restarted, PAGES[0].format(ADA))
    assert (status, CLASSES[ADA].encode() in said) == (200, False)
    assert files_with(store, CLASSES[ADA]) == []


def _restarted(deployment: Deployment, worker: WorkerProcess) -> WorkerProcess:
    assert worker.terminate() == 0
    again = deployment.start()
    again.await_ready()
    return again

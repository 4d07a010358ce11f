"""Workers that know each other, on a real Kafka: one is killed, one leaves, another comes; all answer about all."""

from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import orjson

from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.events import raw

TOKEN: Final = "a reader's own token, 2"
STUDENTS: Final = [f"s{number}" for number in range(12)]
_TIMEOUT_S: Final = 60.0


def group_of(worker: WorkerProcess) -> dict[str, Any]:
    try:
        return worker.get("/group/figures").json
    except (URLError, OSError):  # a machine that is busy: asked again
        return {"workers": [], "problem": "no answer"}


def live(worker: WorkerProcess) -> dict[str, list[int]]:
    """Those that answer, with what they own."""
    return {each["url"]: each["partitions"] for each in group_of(worker)["workers"] if each["state"] == "live"}


def is_whole(worker: WorkerProcess, *others: WorkerProcess) -> bool:
    """Whether these workers, and no others, are told to own all partitions between them."""
    found = live(worker)
    owned = sorted(partition for partitions in found.values() for partition in partitions)
    return found.keys() == {each.url for each in (worker, *others)} and owned == list(range(PARTITIONS))


def asked_about(worker: WorkerProcess, student: str) -> dict[str, Any] | None:
    """The answer; None where there is none yet, of which it is said when to come again."""
    request = Request(f"{worker.url}/students/{student}", headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:
            found: dict[str, Any] = orjson.loads(answer.read())
            return found
    except HTTPError as refused:
        with refused:
            if refused.code == 503 and "Retry-After" in refused.headers:
                return None
            raise AssertionError(f"{refused.code}: {refused.read()!r}") from None
    except (URLError, OSError):
        return None


def all_of(worker: WorkerProcess) -> list[dict[str, Any]]:
    """About every student, once there is an answer."""
    answers: dict[str, dict[str, Any]] = {}

    def has_all() -> bool:
        for student in STUDENTS:
            if student not in answers and (found := asked_about(worker, student)) is not None:
                answers[student] = found
        return len(answers) == len(STUDENTS)

    until(has_all, "every student is answered for")
    return [answers[student] for student in STUDENTS]


def test_every_worker_tells_of_group_and_students_through_a_kill_a_leave_and_a_start(
    kafka: str, tmp_path: Path
) -> None:
    given = {"model": "none", "session_timeout_s": 6.0, "announce_every_s": 1.0, "reader_token": TOKEN}
    with deployed(kafka, tmp_path, **given) as deployment:
        first, second = deployment.start(), deployment.start()
        until(lambda: is_whole(first, second) and is_whole(second, first), "both tell of both")
        deployment.send(Sent(student.encode(), raw(student=student)) for student in STUDENTS)
        deployment.await_caught_up()
        of_all = all_of(first)
        assert [answer["student_id"] for answer in of_all] == STUDENTS
        assert all_of(second) == of_all

        gone = first.url
        first.kill()
        until(lambda: gone not in live(second), "who does not answer is away")
        assert all_of(second) == of_all, "once their partitions are taken over"
        until(lambda: is_whole(second), "the other has taken all over")
        until(lambda: len(group_of(second)["workers"]) == 1, "and nobody else is shown")

        third = deployment.start()
        until(lambda: is_whole(third, second) and is_whole(second, third), "the newcomer is known")
        assert all_of(third) == of_all
        assert second.terminate() == 0
        until(lambda: is_whole(third), "who has left is gone")
        until(lambda: group_of(third)["problem"] is None, "nothing is wrong")

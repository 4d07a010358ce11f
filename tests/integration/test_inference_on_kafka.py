"""Batch inference of two workers on a real Kafka: any tells of all students, as the topic does; one is killed."""

from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import msgspec
import orjson

from schemas.update import SkillUpdate
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Sent, deployed
from tests.agents.worker_process import WorkerProcess

TOKEN: Final = "a-token-for-inference-only"
STUDENTS: Final = 40
_TIMEOUT_S: Final = 60.0


def ask(worker: WorkerProcess, body: bytes, query: str = "") -> list[dict[str, Any]]:
    """All of an answer; nothing where there is none."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
    try:
        with urlopen(Request(f"{worker.url}/inference/batch{query}", body, headers), timeout=_TIMEOUT_S) as answer:
            return [orjson.loads(each) for each in answer]
    except (HTTPError, URLError, OSError):
        return []


def updates_in(answer: list[dict[str, Any]]) -> dict[str, SkillUpdate]:
    found = [msgspec.convert(each["update"], SkillUpdate) for each in answer if "update" in each]
    return {update.student_id: update for update in found}


def as_published(update: SkillUpdate) -> SkillUpdate:
    """Without the time at which it was written, which an answer does not say."""
    return msgspec.structs.replace(update, generated_at=msgspec.UNSET)


def test_any_worker_scores_all_students_as_the_topic_does_also_after_another_was_killed(
    kafka: str, tmp_path: Path
) -> None:
    events = [Sent(each.key, each.value) for each in simulate(STUDENTS, 1_200, 5, faults=0.0)]
    with deployed(
        kafka, tmp_path, session_timeout_s=6.0, announce_every_s=1.0, inference_token=TOKEN, inference_nice=0
    ) as deployment:
        deployment.send(events)
        first, second = deployment.start(), deployment.start()
        deployment.await_caught_up()
        published = {update.student_id: as_published(update) for update in deployment.updates()}
        ids = b"\n".join(map(orjson.dumps, published))

        def tells_of_all(worker: WorkerProcess) -> bool:
            return updates_in(ask(worker, ids)) == published

        until(lambda: tells_of_all(first) and tells_of_all(second), "both tell of all, as the topic does")
        repeated = b"\n".join(each.value or b"" for each in events)

        def repeats_count_once(worker: WorkerProcess) -> bool:
            answer = ask(worker, repeated, "?onto=stored")
            return updates_in(answer) == published and answer[-1]["summary"]["counts"]["applied"] == 0

        until(lambda: repeats_count_once(second), "what is stored already changes nothing")

        first.kill()
        until(lambda: tells_of_all(second), "the other has taken all over")
        assert second.terminate() == 0

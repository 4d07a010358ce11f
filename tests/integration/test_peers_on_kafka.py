"""Workers that know each other, on a real Kafka: one is killed, one leaves, another comes."""

from pathlib import Path
from typing import Any

from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, deployed
from tests.agents.worker_process import WorkerProcess


def group_of(worker: WorkerProcess) -> dict[str, Any]:
    return worker.get("/group/figures").json


def live(worker: WorkerProcess) -> dict[str, list[int]]:
    """Those that answer, with what they own."""
    return {each["url"]: each["partitions"] for each in group_of(worker)["workers"] if each["state"] == "live"}


def is_whole(worker: WorkerProcess, *others: WorkerProcess) -> bool:
    """Whether these workers, and no others, are told to own all partitions between them."""
    found = live(worker)
    owned = sorted(partition for partitions in found.values() for partition in partitions)
    return found.keys() == {each.url for each in (worker, *others)} and owned == list(range(PARTITIONS))


def test_every_worker_tells_of_the_whole_group_through_a_kill_a_leave_and_a_start(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, model="none", session_timeout_s=6.0, announce_every_s=1.0) as deployment:
        first, second = deployment.start(), deployment.start()
        until(lambda: is_whole(first, second) and is_whole(second, first), "both tell of both")

        gone = first.url
        first.kill()
        until(lambda: gone not in live(second), "who does not answer is away")
        until(lambda: is_whole(second), "the other has taken all over")
        until(lambda: len(group_of(second)["workers"]) == 1, "and nobody else is shown")

        third = deployment.start()
        until(lambda: is_whole(third, second) and is_whole(second, third), "the newcomer is known")
        assert second.terminate() == 0
        until(lambda: is_whole(third), "who has left is gone")
        assert group_of(third)["problem"] is None

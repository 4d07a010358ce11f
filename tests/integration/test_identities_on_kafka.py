"""Other ids on a real Kafka: through kill -9, a rebalance and a rebuild events count for the same students."""

from pathlib import Path

from schemas.topics import IDENTITIES
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.chaos.accounts import events_in_rows
from tests.chaos.verdict import skillstream
from tests.events import raw

STUDENTS = 40
OTHERS = [f"mail-{number}" for number in range(STUDENTS)]


def test_a_rebuild_after_kill_9_makes_the_rows_that_were_there(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, model="none", identities_mb=16, session_timeout_s=6.0) as deployment:
        send(deployment, "before")
        workers = [deployment.start(), deployment.start()]
        deployment.await_caught_up()
        entries = [Sent(each.encode(), b'{"student_id":"s%d"}' % at, 0) for at, each in enumerate(OTHERS)]
        deployment.send(entries, deployment.settings.topic(IDENTITIES.name))
        for worker in workers:
            until(lambda of=worker: known(of) == STUDENTS, "the entries known")  # type: ignore[misc]
        send(deployment, "first")
        workers[0].kill()
        send(deployment, "second")
        deployment.await_caught_up()
        send(deployment, "third")
        deployment.await_caught_up()
        rows = events_by_id(deployment)
        assert all(rows[f"s{number}"] >= 1 for number in range(STUDENTS))  # what waited while partitions moved is not
        assert all(rows[other] >= 1 for other in OTHERS)
        assert sum(rows.values()) == 4 * STUDENTS

        assert workers[1].terminate() == 0
        rebuilt = skillstream("rebuild", "--yes", settings=deployment.given())
        assert rebuilt.returncode == 0, rebuilt.stderr
        deployment.start().await_ready()
        deployment.await_caught_up()

        assert events_by_id(deployment) == rows
        assert_exact(deployment)


def send(deployment: Deployment, name: str) -> None:
    deployment.send(Sent(each.encode(), raw("attempt", each, event_id=f"{each}-{name}")) for each in OTHERS)


def known(worker: WorkerProcess) -> float:
    return worker.metrics().get("identities", 0)


def events_by_id(deployment: Deployment) -> dict[str, int]:
    return {student.decode(): events for student, events in events_in_rows(deployment.table()).items()}


def assert_exact(deployment: Deployment) -> None:
    verified = skillstream("verify", settings=deployment.given())
    assert verified.returncode == 0, verified.stdout + verified.stderr

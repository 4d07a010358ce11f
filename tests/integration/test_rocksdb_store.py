"""Workers with rows on disk, on a real Kafka: a restart reads what the disk lacks, and never believes it blindly."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed
from tests.agents.worker_process import WorkerProcess

EVENTS = 12_000
STUDENTS = 300
_RESTORED = re.compile(r"The table is restored: (\d+) rows, (\d+) records read")


@contextmanager
def on_disk(broker: str, folder: Path, **settings: object) -> Iterator[Deployment]:
    defaults: dict[str, object] = {
        "store": "rocksdb",
        "store_dir": folder / "state",
        "store_memory_mb": 16,
        "max_batch_records": 200,
        **settings,
    }
    with deployed(broker, folder, **defaults) as deployment:
        yield deployment


def events(seed: int, count: int = EVENTS, students: int = STUDENTS) -> Iterator[Sent]:
    return (Sent(record.key, record.value) for record in simulate(students, count, seed))


def restored(worker: WorkerProcess) -> tuple[int, int]:
    """Rows held, and records read for them, at the worker's last recovery."""
    worker.await_ready()
    rows, read = _RESTORED.findall(worker.log)[-1]
    return int(rows), int(read)


def logged(deployment: Deployment) -> int:
    return sum(deployment.end(deployment.changelog, partition) for partition in range(PARTITIONS))


def assert_exact(deployment: Deployment) -> None:
    deployment.await_caught_up()
    assert deployment.differences(deployment.replay()) == []


def worked(deployment: Deployment, seed: int, how: signal.Signals) -> None:
    """A worker folds a class and ends."""
    deployment.send(events(seed))
    worker = deployment.start()
    deployment.await_caught_up()
    if how is signal.SIGTERM:
        assert worker.terminate() == 0
    else:
        worker.kill()


def test_a_restart_reads_nothing_after_sigterm_and_only_the_tail_after_kill_nine(kafka: str, tmp_path: Path) -> None:
    with on_disk(kafka, tmp_path) as deployment:
        worked(deployment, 1, signal.SIGTERM)
        second = deployment.start()
        assert restored(second) == (STUDENTS, 0)

        deployment.send(events(2))
        deployment.await_caught_up()
        second.kill()
        third = deployment.start()
        rows, read = restored(third)
        assert rows == STUDENTS
        assert 0 < read < logged(deployment) / 2, "all was read, or nothing was left to be read"
        deployment.send(events(3, 2_000))
        assert_exact(deployment)


@pytest.mark.parametrize("loss", ["deleted", "damaged", "half deleted"])
def test_a_store_that_is_deleted_or_damaged_is_restored_from_the_changelog(
    kafka: str, tmp_path: Path, loss: str
) -> None:
    with on_disk(kafka, tmp_path, reasoning="scripted") as deployment:
        worked(deployment, 4, signal.SIGTERM)
        rows = tmp_path / "state" / deployment.name / "worker" / "rows"
        tables = sorted(rows.glob("*.sst"))
        assert tables
        if loss == "deleted":
            shutil.rmtree(rows.parent)
        elif loss == "half deleted":
            tables[0].unlink()
        else:
            for table in tables:
                table.write_bytes(bytes(table.stat().st_size))

        worker = deployment.start()
        assert restored(worker) == (STUDENTS, logged(deployment))
        assert ("is damaged" in worker.log) == (loss != "deleted")
        deployment.send(events(5, 2_000))
        assert_exact(deployment)


def test_the_store_hides_no_loss_of_the_changelog(kafka: str, tmp_path: Path) -> None:
    with on_disk(kafka, tmp_path) as deployment:
        worked(deployment, 6, signal.SIGTERM)
        admin = AdminClient({"bootstrap.servers": kafka})
        admin.delete_topics([deployment.changelog])[deployment.changelog].result(30)
        until(lambda: deployment.changelog not in admin.list_topics(timeout=10).topics, "the changelog is deleted")
        deployment.make_topics()

        worker = deployment.start()
        assert worker.exit_code() == 4
        assert "of another changelog" in worker.log
        assert "the changelog holds nothing of it" in worker.log


def test_a_second_worker_in_the_same_folder_is_refused(kafka: str, tmp_path: Path) -> None:
    with on_disk(kafka, tmp_path) as deployment:
        first = deployment.start()
        first.await_ready()
        second = deployment.start()
        assert second.exit_code() == 2
        assert "SKILLSTREAM_INSTANCE_ID" in second.log
        assert first.alive
        third = deployment.start(instance_id="three")
        third.await_ready()


def test_a_full_disk_stops_the_worker_and_costs_nothing_but_a_restart(kafka: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with on_disk(kafka, tmp_path) as deployment, volume(state, 2):
        deployment.send(events(7, 24_000, students=8_000))
        worker = deployment.start()
        assert worker.exit_code(timeout_s=120.0) == 4
        assert "No space left on device" in worker.log
        assert deployment.lag() > 0, "it had done all before: this proves nothing"

        with volume(state, 400):
            healthy = deployment.start()
            assert_exact(deployment)
            assert healthy.terminate() == 0


def test_a_standby_takes_over_with_the_tail_alone(kafka: str, tmp_path: Path) -> None:
    with on_disk(kafka, tmp_path, standby_replicas=1) as deployment:
        deployment.send(events(8))
        workers = [deployment.start(instance_id=name) for name in ("one", "two")]
        until(lambda: [owned(worker) for worker in workers] == [2, 2], "two partitions each", 90.0)
        deployment.await_caught_up()
        until(lambda: all(held(worker) == STUDENTS for worker in workers), "every row on both", 60.0)

        workers[0].kill()
        until(lambda: owned(workers[1]) == PARTITIONS, "all partitions taken over", 90.0)
        rows, read = restored(workers[1])
        assert rows == STUDENTS
        assert read < logged(deployment) / 20
        deployment.send(events(9, 2_000))
        assert_exact(deployment)


def owned(worker: WorkerProcess) -> int:
    return int(worker.metrics().get("partitions_owned", 0))


def held(worker: WorkerProcess) -> int:
    return int(worker.metrics().get("students", 0))


@contextmanager
def volume(folder: Path, size_mb: int) -> Iterator[None]:
    """A volume of its own at `folder`, in memory."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no volume of its own can be made here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

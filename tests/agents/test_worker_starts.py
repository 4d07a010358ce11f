"""How a worker process starts, or refuses to, and how it stops."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.row_codec import decode_row
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.servers.ports import free_ports


def test_sigterm_under_load_drains_commits_what_it_did_and_exits_zero(broker: str, tmp_path: Path) -> None:
    with deployed(broker, tmp_path, max_batch_records=50) as deployment:
        deployment.send(Sent(record.key, record.value) for record in simulate(40, 20_000, seed=3))
        worker = deployment.start()
        until(lambda: sum(deployment.committed()) > 500, "some commits", 90.0)

        assert worker.terminate() == 0, worker.tail()

        committed = deployment.committed()
        assert 500 < sum(committed) < 20_000, "stopped too late to prove anything"
        rows = deployment.table()
        for partition in range(PARTITIONS):
            offsets = [decode_row(stored).offset for _, stored in rows.items(partition)]
            assert max(offsets, default=-1) < committed[partition], "a row holds what was never committed"
        said = {update.student_id: update.seq for update in deployment.updates()}
        for partition in range(PARTITIONS):
            for key, stored in rows.items(partition):
                assert said[key.decode()] == (0, decode_row(stored).offset)


@pytest.fixture(scope="module")
def refused(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, WorkerProcess]]:
    """Workers that cannot start, all started side by side to save time."""
    folder = tmp_path_factory.mktemp("refused")
    (nobody,) = free_ports(1)
    reachable = {"broker": broker, "app_id": "refused", "topic_prefix": "refused.", "web_port": 0, "model": "none"}
    cases: dict[str, tuple[dict[str, object], dict[str, str]]] = {
        "no key": ({**reachable, "reasoning": "openai"}, {}),
        "empty key": ({**reachable, "reasoning": "openai"}, {"OPENAI_API_KEY": "  "}),
        "no Kafka": ({**reachable, "reasoning": "off", "broker": f"127.0.0.1:{nobody}", "start_timeout_s": 2}, {}),
        "no Redis": (
            {**reachable, "reasoning": "scripted", "redis_url": f"redis://:hush@127.0.0.1:{nobody}/0"}
            | {"start_timeout_s": 2},
            {},
        ),
        "bad setting": ({**reachable, "partitions": "many"}, {}),
        "unknown setting": ({**reachable, "partitons": 4}, {}),
    }
    workers = {
        name: WorkerProcess(settings, folder / f"{number}.log", environment)
        for number, (name, (settings, environment)) in enumerate(cases.items())
    }
    yield workers
    for worker in workers.values():
        worker.end()


REFUSALS = {
    "no key": (2, ("OPENAI_API_KEY", "SKILLSTREAM_REASONING=scripted")),
    "empty key": (2, ("OPENAI_API_KEY", "SKILLSTREAM_REASONING=scripted")),
    "no Kafka": (3, ("no Kafka broker answers at 127.0.0.1:", "Is it running")),
    "no Redis": (3, ("no Redis answers at 127.0.0.1:", "SKILLSTREAM_REDIS_URL")),
    "bad setting": (2, ("SKILLSTREAM_PARTITIONS", "many", "whole number of 1..10000")),
    "unknown setting": (2, ("SKILLSTREAM_PARTITONS", "no such setting")),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_worker_that_cannot_do_its_job_refuses_to_start_and_says_why(
    refused: dict[str, WorkerProcess], case: str
) -> None:
    code, said = REFUSALS[case]
    worker = refused[case]

    assert worker.exit_code() == code, worker.tail()
    message = worker.log.splitlines()[-1]
    for part in said:
        assert part in message
    assert "Traceback" not in worker.log
    assert "hush" not in worker.log

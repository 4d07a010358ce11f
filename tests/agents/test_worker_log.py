"""What a worker's log tells an operator: each thing once, in text or as JSON, and last of all why it ended."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.simulation import simulate
from tests.agents.deployment import PARTITIONS, Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.servers.ports import free_ports


def parsed(worker: WorkerProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in worker.log.splitlines()]


def test_a_normal_run_says_what_an_operator_asks_one_json_object_a_line(broker: str, tmp_path: Path) -> None:
    with deployed(broker, tmp_path, log_format="json", instance_id="seven") as deployment:
        deployment.send(Sent(record.key, record.value) for record in simulate(5, 100, seed=3))
        worker = deployment.start()
        worker.await_ready()
        deployment.await_caught_up()
        assert worker.terminate() == 0
        said = parsed(worker)

    ours = {line["message"].partition(":")[0].partition(" in ")[0]: line for line in said}
    begin = next(line for line in said if " begins: " in line["message"])
    assert begin["group"] == deployment.name
    assert begin["client"].endswith("-seven")
    assert begin.keys() >= {"version", "model", "config_version", "broker", "store", "reasoning"}
    assert ours["Partitions assigned"]["partitions"] == list(range(PARTITIONS))
    assert ours["The table is restored"].keys() >= {"rows", "records", "seconds"}
    assert "Draining" in ours
    assert "Drained and committed" in ours
    assert said[-1]["message"] == "Ended with exit code 0: asked to stop, all that was in flight is committed"
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in said)


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_last_line_says_why_a_worker_could_not_start(form: str, tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    settings = {"broker": f"127.0.0.1:{nobody}", "start_timeout_s": 1, "reasoning": "off", "model": "none"}
    worker = WorkerProcess({**settings, "web_port": 0, "log_format": form}, tmp_path / "log")
    assert worker.exit_code() == 3
    last = worker.log.splitlines()[-1]
    message = json.loads(last)["message"] if form == "json" else last.partition("lifecycle: ")[2]

    assert message.startswith(f"Ended with exit code 3: no Kafka broker answers at 127.0.0.1:{nobody}")


def test_a_wrong_setting_is_said_as_json_too_where_json_is_asked_for(tmp_path: Path) -> None:
    worker = WorkerProcess({"log_format": "json", "partitions": "many", "reasoning": "off"}, tmp_path / "log")
    assert worker.exit_code() == 2
    (line,) = parsed(worker)

    assert line["exit_code"] == 2
    assert "SKILLSTREAM_PARTITIONS" in line["message"]

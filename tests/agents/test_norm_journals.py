"""Workers on the embedded broker keep the journal of norms exact, whatever becomes of them between two sends."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from agents.worker.norm_journals import median_time_s
from streams.simulation import simulate
from tests.agents.deployment import Sent, deployed
from tests.agents.journal_logs import assert_sums_are_those_of_the_input, journal_logs
from tests.chaos.fault import VARIABLE, Fault

STUDENTS, EVENTS = 300, 3_000
PROGRAM = "tests.agents.small_groups"


def a_class(part: int = 0, parts: int = 1) -> Sequence[Sent]:
    records = [Sent(record.key, record.value) for record in simulate(STUDENTS, EVENTS, seed=5)]
    return records[part * EVENTS // parts : (part + 1) * EVENTS // parts]


@pytest.mark.parametrize("store", ["memory", pytest.param("rocksdb", marks=pytest.mark.long)])
def test_kill_nine_between_two_record_batches_of_one_step_leaves_the_sums_of_the_whole_input(
    broker: str, tmp_path: Path, store: str
) -> None:
    with deployed(
        broker, tmp_path, model="none", instance_id="one", norms="on", store=store, store_dir=str(tmp_path / "store")
    ) as deployment:
        deployment.send(a_class())
        fault = {VARIABLE: msgspec.json.encode(Fault("changelog", "kill before", 2)).decode()}
        assert deployment.start(fault, PROGRAM).exit_code() == -9
        begun = [log for log in journal_logs(deployment).values() if log.rows and log.checkpoint is None]
        assert begun, "killed behind a whole step: this proves nothing"
        assert all(log.records for log in begun)

        worker = deployment.start(program=PROGRAM)
        deployment.await_caught_up()
        assert worker.terminate() == 0

        assert_sums_are_those_of_the_input(deployment)
        assert deployment.differences(deployment.replay()) == []


@pytest.mark.long
def test_where_a_worker_without_norms_folded_in_between_the_journal_begins_anew(broker: str, tmp_path: Path) -> None:
    with deployed(broker, tmp_path, model="none", instance_id="one") as deployment:
        begins: dict[int, int] = {}
        for part, norms in enumerate(("on", "off", "on")):
            begins = {at: log.checkpoint.offset for at, log in journal_logs(deployment).items() if log.checkpoint}
            deployment.send(a_class(part, 3))
            worker = deployment.start(program=PROGRAM, norms=norms)
            deployment.await_caught_up()
            assert worker.terminate() == 0
            numbers = {log.checkpoint.norms for log in journal_logs(deployment).values() if log.checkpoint}
            assert (numbers == {-1}) == (norms == "off")

        assert_sums_are_those_of_the_input(deployment, begins)


@pytest.mark.long
def test_where_partitions_move_their_journals_go_on(broker: str, tmp_path: Path) -> None:
    with deployed(broker, tmp_path, model="none") as deployment:
        first, *others = [deployment.start(program=PROGRAM)]
        for part in range(3):
            deployment.send(a_class(part, 3))
            deployment.await_caught_up()
            if part == 0:
                others.append(deployment.start(program=PROGRAM))
                others[0].await_ready()
            if part == 1:
                assert first.terminate() == 0
        assert others[0].terminate() == 0

        assert_sums_are_those_of_the_input(deployment)


def test_one_foreign_clock_does_not_decide_the_time_of_a_step() -> None:
    assert median_time_s(np.array([5_000, 7_999, 9_000, 4_100_000_000_000_000])) == 9
    assert median_time_s(np.array([7_999, 4_100_000_000_000_000, 5_000])) == 7
    assert (median_time_s(np.array([-1])), median_time_s(np.array([2**62]))) == (0, 2**32 - 1)

"""A worker that lives on without working ends non-zero within the set time, whatever it hangs on."""

from pathlib import Path

import pytest

from agents.delivery.faust.run import EXIT_FATAL
from agents.kafka.embedded import EmbeddedBroker
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.delivery_misbehaving import UNFETCHED, VARIABLE
from tests.agents.deployment import PARTITIONS, Sent, deployed

pytestmark = pytest.mark.long

STALL_AFTER_S = 12.0
"""Long beside what a machine may stand still for: what the worker does do is done by then."""
LEEWAY_S = 90.0
"""To start, to look at the lag (every 5 s), to stop; and a busy machine."""


@pytest.mark.parametrize(
    ("misbehaviour", "said"),
    [
        ("busy", "The event loop has stood still"),
        ("stuck", "no progress for 12 s on partitions [0, 1, 2, 3], with records waiting"),
        ("unfetched", f"no progress for 12 s on partitions [{UNFETCHED}], with records waiting"),
    ],
)
def test_a_worker_that_does_not_advance_ends_non_zero_within_the_set_time(
    tmp_path: Path, misbehaviour: str, said: str
) -> None:
    settings = {"model": "none", "stall_after_s": STALL_AFTER_S}
    with EmbeddedBroker() as broker, deployed(broker.bootstrap, tmp_path, **settings) as deployment:
        deployment.send(Sent(record.key, record.value) for record in simulate(40, 400, seed=3))
        ends = [deployment.end(deployment.channels.activity, partition) for partition in range(PARTITIONS)]
        assert all(ends)
        worker = deployment.start({VARIABLE: misbehaviour}, program="tests.agents.delivery_misbehaving")

        assert worker.exit_code(STALL_AFTER_S + LEEWAY_S) == EXIT_FATAL
        assert said in worker.log
        done = [misbehaviour == "unfetched" and partition != UNFETCHED for partition in range(PARTITIONS)]
        assert [at == end for at, end in zip(deployment.committed(), ends, strict=True)] == done

        if misbehaviour != "unfetched":
            return
        deployment.start(stall_after_s=60)  # the group waits for the former member before it lets one in
        until(lambda: deployment.committed() == ends, "an ordinary worker does the rest")
        assert deployment.differences(deployment.replay()) == []

"""The delivery's promises, on worker processes against an embedded broker: exact, bounded, never silent."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agents.delivery.faust.run import EXIT_FATAL, EXIT_OK, EXIT_UNREACHABLE
from agents.kafka.embedded import PARTITIONS
from tests.agents.delivery_cluster import CHANGELOG, Cluster, Worker, cluster, until
from tests.agents.delivery_worker import OUTPUT_TOPIC, ROW, STICKS

SLOW = {"step_delay_s": 0.05, "max_batch_records": 5}
"""A worker that takes a quarter of a minute at least for 6,000 events: whoever ends it in mid-run may be late."""


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def doomed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Cluster, Worker]]]:
    """Workers that will fail, each on a broker of its own, started side by side to save time."""
    ways: dict[str, dict[str, object]] = {
        "step": {"fail_at": 300},
        CHANGELOG: {"fail_sends_to": CHANGELOG},
        OUTPUT_TOPIC: {"fail_sends_to": OUTPUT_TOPIC},
    }
    with ExitStack() as stack:
        started = {}
        for name, way in ways.items():
            kafka = stack.enter_context(cluster(tmp_path_factory.mktemp(name)))
            kafka.produce(2_000)
            started[name] = (kafka, kafka.start(**way))
        yield started


def test_every_event_is_counted_once_by_partition_and_key_and_sigterm_exits_zero(kafka: Cluster) -> None:
    kafka.produce(4_000)
    worker = kafka.start()
    kafka.wait_until_all_is_committed()
    worker.process.terminate()

    assert worker.exit_code() == EXIT_OK
    assert kafka.counts() == kafka.expected
    assert {key for _, key in kafka.expected} == {key for _, key in kafka.rows()}
    assert len(kafka.rows()) == 2 * 42  # every key on two partitions, each with a row of its own
    outputs = kafka.records(OUTPUT_TOPIC)
    last = {(message.partition(), message.key()): ROW.unpack(message.value() or b"") for message in outputs}
    assert last == kafka.rows()
    assert outputs[0].headers() == [("from", b"test")]


def test_kill_nine_in_mid_run_and_a_restart_leave_every_count_exact(kafka: Cluster) -> None:
    kafka.produce(6_000)
    first = kafka.start(group_instance_id="one", **SLOW)
    until(lambda: sum(kafka.committed()) > 500, "some commits")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    before = kafka.counts()
    assert 0 < sum(before.values()) < 6_000, "killed too late to prove anything"

    second = kafka.start(group_instance_id="one")
    kafka.wait_until_all_is_committed()
    kafka.produce(400, start=6_000)
    kafka.wait_until_all_is_committed()

    assert kafka.counts() == kafka.expected
    until(lambda: len(dict(second.recoveries())) == PARTITIONS, "it says what it had restored")
    restored = dict(reversed([*second.recoveries()]))
    for partition in range(PARTITIONS):
        assert restored[partition] == sum(count for (of, _key), count in before.items() if of == partition)


def test_two_workers_share_partitions_a_leaver_s_are_taken_over_and_revoked_rows_are_purged(
    kafka: Cluster,
) -> None:
    kafka.produce(2_000)
    first = kafka.start()
    kafka.wait_until_all_is_committed()
    until(lambda: first.status["row_partitions"] == [0, 1, 2, 3], "rows of all partitions")

    second = kafka.start(standby_replicas=0)
    until(lambda: first.owns(2) and second.owns(2), "two partitions each")
    kafka.produce(2_000, start=2_000)
    kafka.wait_until_all_is_committed()
    until(lambda: sorted(first.status["active"] + second.status["active"]) == [0, 1, 2, 3], "one owner each")
    for worker in (first, second):
        until(worker.has_rows_of_what_it_owns_alone, "revoked rows are purged")
    assert ["revoked", [0, 1, 2, 3]] in first.status["calls"]

    second.process.terminate()
    assert second.exit_code() == EXIT_OK
    until(lambda: first.owns(PARTITIONS), "all partitions back")
    kafka.produce(400, start=4_000)
    kafka.wait_until_all_is_committed()
    assert kafka.counts() == kafka.expected


@pytest.mark.long
def test_a_standby_follows_the_changelog_and_takes_over_when_the_owner_is_killed(kafka: Cluster) -> None:
    kafka.produce(1_000)
    workers = [kafka.start(standby_replicas=1), kafka.start(standby_replicas=1)]
    kafka.wait_until_all_is_committed()
    until(lambda: all(worker.status.get("rows") == 84 for worker in workers), "every row on both workers")
    until(lambda: all(worker.status["standby"] for worker in workers), "each follows what the other owns")

    workers[0].process.send_signal(signal.SIGKILL)
    until(lambda: workers[1].owns(PARTITIONS), "the standby owns all")
    kafka.produce(400, start=1_000)
    kafka.wait_until_all_is_committed()
    assert kafka.counts() == kafka.expected


def test_a_failing_step_ends_the_worker_with_nothing_acked_from_its_batch_on(
    doomed: dict[str, tuple[Cluster, Worker]],
) -> None:
    kafka, worker = doomed["step"]

    assert worker.exit_code() == EXIT_FATAL
    assert "a step that fails on purpose" in kafka.log()
    assert all(offset <= 300 for offset in kafka.committed())
    assert all(offset < 300 for _count, offset in kafka.rows().values())


@pytest.mark.parametrize("topic", [CHANGELOG, OUTPUT_TOPIC])
def test_a_failing_send_ends_the_worker_and_its_batch_is_replayed_exactly(
    doomed: dict[str, tuple[Cluster, Worker]], topic: str
) -> None:
    kafka, worker = doomed[topic]

    assert worker.exit_code() == EXIT_FATAL
    assert "a send that fails on purpose" in kafka.log()
    assert all(offset < 500 for offset in kafka.committed())

    healthy = kafka.start()
    kafka.wait_until_all_is_committed()
    assert healthy.process.poll() is None
    assert kafka.counts() == kafka.expected


def test_sigterm_under_load_commits_what_was_done_and_nothing_else(kafka: Cluster) -> None:
    kafka.produce(8_000)
    worker = kafka.start(**SLOW)
    until(lambda: sum(offset for offset in kafka.committed() if offset > 0) > 400, "some commits")
    worker.process.terminate()

    assert worker.exit_code() == EXIT_OK
    committed = kafka.committed()
    assert 400 < sum(committed) < 8_000, "stopped too late to prove anything"
    rows = kafka.rows()
    for partition in range(PARTITIONS):
        done = sum(count for (of, _key), (count, _offset) in rows.items() if of == partition)
        assert done == committed[partition], "the rows hold exactly what is committed"


@pytest.mark.long
def test_a_step_that_never_returns_is_left_behind_within_the_bound(kafka: Cluster) -> None:
    kafka.produce(400)
    worker = kafka.start(stick_at=0, drain_timeout_s=0.5, stop_timeout_s=30.0)
    until(lambda: STICKS in worker.log, "the step has begun")
    worker.process.terminate()

    assert worker.exit_code(timeout_s=120) == EXIT_FATAL
    assert kafka.committed() == [-1] * PARTITIONS


@pytest.mark.long
def test_a_stop_that_takes_too_long_ends_by_force_and_says_what_it_waited_for(kafka: Cluster) -> None:
    kafka.produce(400)
    worker = kafka.start(stick_at=0, drain_timeout_s=60.0, stop_timeout_s=6.0)
    until(lambda: STICKS in worker.log, "the step has begun")
    worker.process.terminate()

    assert worker.exit_code(timeout_s=120) == EXIT_FATAL
    assert "Not stopped after 6.0 s" in kafka.log()
    assert "DeliveryApp._consumer_wait_empty" in kafka.log()


@pytest.mark.long
def test_a_worker_that_joins_a_group_that_waits_for_another_is_stopped_in_good_order(kafka: Cluster) -> None:
    away = kafka.start(session_timeout_s=30.0)
    until(lambda: away.owns(PARTITIONS), "recovered")
    away.process.send_signal(signal.SIGSTOP)
    joining = kafka.start(session_timeout_s=30.0)
    until(lambda: "(Re-)joining group" in joining.log, "the second joins")
    joining.process.terminate()

    assert joining.exit_code(timeout_s=120) == EXIT_OK
    assert "Not stopped" not in kafka.log()
    away.process.kill()


def test_an_unreachable_broker_is_a_clear_error_within_the_bound(tmp_path: Path) -> None:
    nobody = Cluster("127.0.0.1:1", tmp_path)
    worker = nobody.start(start_timeout_s=3.0)
    assert worker.exit_code(timeout_s=120) == EXIT_UNREACHABLE
    assert "no Kafka broker answers at 127.0.0.1:1" in nobody.log()

"""Two workers, one budget in Redis: never more than the limit together, and scores go on without Redis."""

from datetime import datetime
from pathlib import Path

from streams.limits import calls_per_minute
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Sent, deployed
from tests.events import raw
from tests.servers.redis import RealRedis
from tests.unit.limits.promise import most_in_any_window

LIMIT = 60
WANTED = 16


def test_two_workers_never_spend_more_than_the_shared_limit_and_go_on_without_redis(
    kafka: str, own_redis: RealRedis, tmp_path: Path
) -> None:
    bucket = calls_per_minute(LIMIT)
    shared = {"reasoning": "scripted", "redis_url": own_redis.url, "expected_workers": 2}
    with deployed(kafka, tmp_path, **shared, calls_per_minute=LIMIT, calls_per_hour=100_000) as deployment:
        workers = [deployment.start(), deployment.start()]
        until(lambda: [w.metrics().get("partitions_owned") for w in workers] == [2, 2], "two partitions each", 90.0)
        deployment.send(Sent(record.key, record.value) for record in simulate(200, 4_000, seed=2))
        deployment.await_caught_up()
        until(lambda: len(deployment.explanations()) >= WANTED, "explanations", 60.0)

        by_worker = [worker.metrics()["calls_granted_total"] for worker in workers]
        made = deployment.explanations()
        called = [each for each in made if each.reason != "nothing_to_ask"]
        times = sorted(datetime.fromisoformat(each.generated_at).timestamp() for each in called)
        assert all(granted > 0 for granted in by_worker), "both spend of the one budget"
        assert {each.reason for each in called} <= {None, "rejected"}, "or no grant came for a second answer"
        assert len([each for each in called if each.generator == "scripted"]) > len(called) / 2
        assert len({each.student_id for each in made}) == len(made)
        assert most_in_any_window([(round(at * 1e6), 1) for at in times], bucket.window_us) <= LIMIT

        own_redis.stop()
        deployment.send(Sent(b"later", raw(student="later", event_id=f"l{n}", minute=n)) for n in range(20))
        deployment.await_caught_up()
        assert "later" in {update.student_id for update in deployment.updates()}
        for worker in workers:
            until(lambda worker=worker: worker.get("/health").json["status"] == "degraded", "degraded")  # type: ignore[misc]
            assert worker.get("/health").status == 200
            assert worker.get("/ready").status == 200
            assert "redis" in str(worker.get("/health").json)
            detailed = worker.get("/health/detailed").json["components"]
            assert detailed["redis"]["status"] == "degraded"
            assert {name for name, part in detailed.items() if part["status"] == "down"} == set()

        own_redis.restart()
        for worker in workers:
            until(lambda worker=worker: worker.get("/health").json["status"] == "ok", "well again")  # type: ignore[misc]
        assert sum(worker.metrics()["partitions_owned"] for worker in workers) == PARTITIONS
        assert [worker.terminate() for worker in workers] == [0, 0]

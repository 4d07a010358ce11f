"""Weights that change while workers are killed, and a `fusion-config` that is deleted, on a real Kafka."""

from pathlib import Path

from agents.kafka.clients import open_admin
from tests.agents.config_commands import by_configuration, config_health, told
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.events import raw

STUDENTS = [f"s{number}" for number in range(3_000)]
LOUD = ("config", "set", "--weight", "problem_solving.behaviour=2.5")


def rescored(worker: WorkerProcess) -> float:
    return worker.metrics().get("rescored_students_total", 0.0)


def test_a_rescoring_survives_kill_9_and_a_rebalance_and_everything_stays_exact(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, model="none", session_timeout_s=6.0, rescore_students_per_s=150) as deployment:
        workers = [deployment.start(), deployment.start()]
        deployment.send(Sent(student.encode(), raw(student=student)) for student in STUDENTS)
        deployment.await_caught_up()
        [plain] = by_configuration(deployment)
        told(deployment, *LOUD)
        told(deployment, "rescore")
        until(lambda: all(rescored(worker) > 0 for worker in workers), "both rescore")
        workers[0].kill()
        assert workers[0].log.count(" is rescored: ") < PARTITIONS // 2, "in the middle of it"
        deployment.send(Sent(s.encode(), raw(student=s, event_id=f"{s}-later")) for s in STUDENTS[::10])

        until(lambda: plain not in by_configuration(deployment), "all are scored anew")
        until(lambda: sum(each.log.count(" is rescored: ") for each in workers) >= PARTITIONS, "this is remembered")
        deployment.await_caught_up()

        assert sum(by_configuration(deployment).values()) == len(STUDENTS)
        assert rescored(workers[1]) < 2 * len(STUDENTS)
        said = told(deployment, "verify", "--json").lines[-1]
        assert (said["ok"], said["differences"], said["notes"]) == (True, [], [])


def test_a_topic_that_is_deleted_leaves_the_configuration_until_there_is_another(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, model="none", fusion_config_poll_s=0.2) as deployment:
        told(deployment, *LOUD)
        worker = deployment.start()
        worker.await_ready()
        in_force = config_health(worker)["reason"]
        topic, admin = deployment.channels.fusion_config, open_admin(kafka)
        admin.delete_topics([topic])[topic].result(10)
        until(lambda: config_health(worker)["status"] == "degraded", "it is noticed")
        assert in_force.removesuffix(" is in force") in config_health(worker)["reason"]

        told(deployment, "config", "set", "--level", "proficient=0.7")
        until(lambda: config_health(worker)["status"] == "ok", "it is there again")
        until(lambda: config_health(worker)["reason"] != in_force, "and followed from its start")
        assert worker.alive

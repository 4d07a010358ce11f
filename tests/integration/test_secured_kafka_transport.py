"""The way to a Kafka over TLS: what is said to who does not get in, and secrets that are rotated under workers."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from agents.config.settings import load_settings
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.topics import require_broker
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Sent
from tests.agents.worker_process import WorkerProcess
from tests.integration.locked_down import LockedDeployment, access, grant
from tests.servers.certificates import Authority, Issued
from tests.servers.secured_kafka import PASSWORD, SecuredKafka

NAME: Final = "transport"
CLASS: Final = [Sent(record.key, record.value) for record in simulate(12, 600, seed=8)]
PARTS: Final = CLASS[:200], CLASS[200:400], CLASS[400:]
Changes = dict[str, Any]


def by_certificate(server: SecuredKafka, own: Issued | None) -> dict[str, Any]:
    files = {} if own is None else {"broker_certificate": own.certificate, "broker_key": own.key}
    nobody = {"broker_user": "", "broker_password": ""}
    return {"broker": server.ssl, "broker_security": "ssl", "broker_ca": server.ca, **nobody, **files}


@pytest.fixture(scope="module")
def deployment(secured_kafka: SecuredKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedDeployment]:
    """Its workers log in by SCRAM, over TLS, and may do what they need."""
    secured_kafka.admit_by_scram(PASSWORD, NAME)
    given = {**access(secured_kafka, NAME), "start_timeout_s": 2}
    made = LockedDeployment(secured_kafka.bootstrap, tmp_path_factory.mktemp(NAME), given, name=NAME)
    made.make_topics()
    grant(made.broker, made.allowed("worker"))
    yield made
    for worker in made.workers:
        worker.end()


def test_who_is_not_let_in_is_told_why_and_which_setting_it_is(
    deployment: LockedDeployment, secured_kafka: SecuredKafka, tmp_path: Path
) -> None:
    server, other = secured_kafka, Authority(tmp_path, "other")
    strange, late = other.issue(NAME), server.authority.issue("late", days=-1)
    wrong: dict[str, tuple[Changes, str]] = {
        "CA": ({"broker_ca": other.ca}, "(unable to get local issuer certificate): see SKILLSTREAM_BROKER_CA"),
        "expired": ({"broker": server.expired}, "(certificate has expired): have the broker's renewed"),
        "user": ({"broker_user": "nobody"}, "see SKILLSTREAM_BROKER_USER, _BROKER_PASSWORD,"),
        "password": ({"broker_password": "guessed"}, "see SKILLSTREAM_BROKER_USER, _BROKER_PASSWORD,"),
        "mechanism": (
            {"broker_mechanism": "PLAIN"},
            "mechanisms: SCRAM-SHA-512): see SKILLSTREAM_BROKER_USER",
        ),
        "strange": (by_certificate(server, strange), "it does not trust the certificate in SKILLSTREAM_BROKER_CERT"),
        "late": (by_certificate(server, late), "the certificate in SKILLSTREAM_BROKER_CERTIFICATE ended on "),
        "none": (by_certificate(server, None), "it asks for a certificate: set SKILLSTREAM_BROKER_CERTIFICATE"),
        "plaintext": (
            {"broker_security": "sasl_plaintext", "broker_ca": ""},
            "it speaks TLS: set SKILLSTREAM_BROKER_SECURITY",
        ),
        "too much TLS": ({"broker": server.sasl_plaintext}, "it does not speak TLS: see SKILLSTREAM_BROKER_SECURITY"),
    }

    def is_told(case: tuple[Changes, str]) -> bool:
        changes, said = case
        settings = load_settings(deployment.environment(**changes))
        with pytest.raises(BrokerUnavailable) as error:
            require_broker(settings.broker, 2.0)
        told = str(error.value)
        assert PASSWORD not in told
        assert "guessed" not in told
        return told.startswith(f"no Kafka broker can be used at {settings.broker} (waited") and said in told

    with ThreadPoolExecutor(len(wrong)) as at_once:
        waits = [at_once.submit(until, partial(is_told, case), case[1]) for case in wrong.values()]
    for each in waits:
        each.result()

    changes, said = wrong["expired"]
    worker = deployment.start(**changes)
    assert worker.exit_code() == 3, worker.tail()
    assert said in worker.log.splitlines()[-1]
    code, found = deployment.doctor(5.0, **changes)
    assert (code, said in found["broker"][0].said) == (3, True)


def test_password_and_certificate_are_rotated_under_workers_that_go_on(
    deployment: LockedDeployment, secured_kafka: SecuredKafka, tmp_path: Path
) -> None:
    server, next_authority = secured_kafka, Authority(tmp_path, "next")
    password, own = tmp_path / "password", Issued(tmp_path / "own.pem", tmp_path / "own.key")

    def hand_over(secret: str, issued: Issued) -> None:
        password.write_text(secret)
        shutil.copy(issued.key, own.key)
        shutil.copy(issued.certificate, own.certificate)

    def refuse_former(secret: str, authority: Authority) -> None:
        server.admit_by_scram(secret, NAME)
        server.trust(authority.ca)
        server.restart()  # what was connected connects anew

    def hand_over_and_see(secret: str, issued: Issued, workers: list[WorkerProcess], times: int) -> None:
        hand_over(secret, issued)
        by_password, by_files = workers
        until(lambda: by_password.log.count("_PASSWORD_FILE was rotated") == times, "the password is read")
        until(lambda: by_files.log.count("certificates for Kafka were rotated") == times, "the files are read")

    def said(worker: WorkerProcess, why: str) -> bool:
        return why in worker.log

    hand_over(PASSWORD, server.authority.issue(NAME))
    workers = [
        deployment.start({"SKILLSTREAM_BROKER_PASSWORD_FILE": str(password)}, broker_password="", secrets_poll_s=0.2),
        deployment.start(**by_certificate(server, own), secrets_poll_s=0.2),
    ]
    for worker in workers:
        worker.await_ready()
    deployment.send(PARTS[0])
    deployment.await_caught_up()

    hand_over_and_see("the second", next_authority.issue(NAME), workers, 1)
    refuse_former("the second", next_authority)
    deployment.send(PARTS[1])
    deployment.await_caught_up()

    refuse_former("the third", server.authority)
    deployment.send(PARTS[2])
    for worker, why in zip(workers, ("the log-in is refused", "it does not trust the certificate in"), strict=True):
        until(partial(said, worker, why), f"{why} is said")
    hand_over_and_see("the third", server.authority.issue(NAME), workers, 2)
    deployment.await_caught_up()

    assert deployment.differences(deployment.replay()) == []
    for worker in workers:
        assert worker.terminate() == 0, worker.tail()
        assert "the third" not in worker.log

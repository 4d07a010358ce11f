"""docker-compose.yml: services fit each other, the settings and the image. `make image-check` asks Compose itself."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from agents.config.settings import Settings, load_settings
from agents.delivery.deployment import delivery_settings
from tests.container.files import ROOT, compose, final

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
WORKERS = ["worker", "demo-worker"]


def _settings(name: str) -> Settings:
    return load_settings(SERVICES[name].get("environment", {}))


def test_plain_up_starts_the_servers_alone() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {"kafka", "valkey"}
    assert {*WORKERS} < {*OURS}


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_write_nowhere_and_gain_nothing(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]
    assert not {"privileged", "user", "cap_add"} & service.keys()


@pytest.mark.parametrize("name", OURS)
def test_its_settings_are_known_and_lead_to_the_servers_beside_it(name: str) -> None:
    settings = _settings(name)

    broker, _, port = str(settings.broker).partition(":")
    assert f"PLAINTEXT://{broker}:{port}" in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert f"PLAINTEXT://:{port}" in SERVICES["kafka"]["environment"]["KAFKA_LISTENERS"].split(",")
    assert settings.redis_url is not None
    assert urlsplit(settings.redis_url).hostname == "valkey"
    assert urlsplit(settings.redis_url).port == 6379


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_starts_after_the_servers_answer_and_is_left_time_to_drain(name: str) -> None:
    service, settings = SERVICES[name], _settings(name)

    assert service["depends_on"] == {server: {"condition": "service_healthy"} for server in ("kafka", "valkey")}
    assert all("healthcheck" in SERVICES[server] for server in service["depends_on"])
    grace_s = int(service["stop_grace_period"].removesuffix("s"))
    assert grace_s > delivery_settings(settings).stop_timeout_s


def test_the_demo_touches_nothing_that_is_real_and_needs_no_key() -> None:
    worker, demo = _settings("worker"), _settings("demo-worker")

    assert demo.reasoning == "scripted"
    assert demo.app_id != worker.app_id
    assert demo.topic_prefix != worker.topic_prefix
    assert all("env_file" not in SERVICES[name] for name in OURS if name.startswith("demo"))


def test_the_watched_topic_is_the_one_that_the_demo_writes() -> None:
    assert f'["{_settings("demo-worker").topic("skill-updates")}"]' in SERVICES["demo-updates"]["command"][0]


def test_everything_published_is_for_this_machine_alone() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_a_workers_pages_and_rows_are_where_the_image_has_them() -> None:
    assert SERVICES["worker"]["ports"] == [f"127.0.0.1::{final('EXPOSE')}"]
    (mount,) = SERVICES["worker"]["volumes"]
    volume, _, target = mount.partition(":")
    assert volume in compose()["volumes"]
    assert f'["{target}"]' == final("VOLUME")


def test_kafka_is_the_version_that_the_tests_run_against() -> None:
    pom = (ROOT / "tests/servers/pom.xml").read_text("utf-8")
    version = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([\d.]+)</version>", pom)
    assert version is not None
    assert SERVICES["kafka"]["image"].split("@")[0] == f"apache/kafka:{version[1]}"

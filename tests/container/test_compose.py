"""docker-compose.yml: services fit each other, the settings and the image. `make image-check` asks Compose itself."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from agents.config.settings import Settings, load_settings
from agents.delivery.deployment import delivery_settings
from tests.container.files import ROOT, compose, final
from tests.servers.child import Child
from tests.servers.redis import redis_server

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


def test_no_container_takes_the_machines_memory_or_processes() -> None:
    assert all({"mem_limit", "pids_limit"} < service.keys() for service in SERVICES.values())


def test_redis_asks_for_a_password_that_no_list_of_processes_shows() -> None:
    valkey = SERVICES["valkey"]
    (script,) = valkey["command"]
    password = valkey["environment"]["VALKEY_PASSWORD"]

    assert "requirepass $$VALKEY_PASSWORD" in script
    assert "--requirepass" not in script
    for name in OURS:
        url = SERVICES[name].get("environment", {}).get("SKILLSTREAM_REDIS_URL", "")
        assert not url or f":{password}@valkey" in url


def test_the_script_starts_a_server_that_answers_to_that_password_alone(tmp_path: Path) -> None:
    """Run as Compose does, with the image's entry point and a server of this machine in its place."""
    socket = tmp_path / "valkey.sock"
    entry_point = tmp_path / "docker-entrypoint.sh"
    options = f"--port 0 --unixsocket {socket} --dir {tmp_path}"
    entry_point.write_text(f'#!/bin/sh\nshift\nexec {redis_server()} "$@" {options}\n')
    entry_point.chmod(0o755)
    (script,) = SERVICES["valkey"]["command"]
    server = Child("Valkey", tmp_path / "valkey.log")

    server.start(
        [
            "/usr/bin/env",
            f"PATH={tmp_path}:/usr/bin:/bin",
            "VALKEY_PASSWORD=of-this-test",
            "/bin/sh",
            "-c",
            script.replace("$$", "$"),
        ]
    )
    try:
        server.await_answer(lambda: _answers(socket, "of-this-test"), 30)
        assert not _answers(socket, "another")
    finally:
        server.kill()


def _answers(socket: Path, password: str) -> bool:
    try:
        with redis.Redis(unix_socket_path=str(socket), password=password) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


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


def test_the_gateway_is_published_where_it_listens_and_is_left_time_to_finish() -> None:
    service, settings = SERVICES["gateway"], _settings("gateway")

    assert service["ports"] == [f"127.0.0.1:{settings.gateway_port}:{settings.gateway_port}"]
    assert f"./tenants.toml:{settings.tenants}:ro" in service["volumes"]
    assert f":{settings.gateway_port}/live" in service["healthcheck"]["test"][-1]
    grace_s = int(service["stop_grace_period"].removesuffix("s"))
    assert grace_s > settings.gateway_body_timeout_s + 2 * settings.gateway_ack_timeout_s

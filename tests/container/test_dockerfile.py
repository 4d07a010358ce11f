"""The Dockerfile, read: it fits itself, the settings and the package. `make image-check` builds and runs it."""

import json
import re
import tomllib
from pathlib import PurePosixPath

from agents.config.settings import ENV_PREFIX, Settings, load_settings
from tests.container.files import ROOT, final, steps

_PINNED = re.compile(r"PYTHON_IMAGE=docker\.io/library/python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}")


def _environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in final("ENV").split())


def test_every_stage_is_built_on_the_one_pinned_image() -> None:
    (base,) = [step.rest for step in steps() if step.verb == "ARG"]

    assert _PINNED.fullmatch(base)
    assert {step.rest.split(" AS ")[0] for step in steps() if step.verb == "FROM"} == {"${PYTHON_IMAGE}"}


def test_dependencies_are_installed_from_the_lock_and_their_hashes_checked() -> None:
    installs = [part for step in steps() if step.verb == "RUN" for part in step.rest.split("&&") if " -m pip " in part]

    assert any("--require-hashes" in part and "--requirement requirements.lock" in part for part in installs)
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)


def test_it_runs_as_nobody_in_particular_and_begins_with_the_worker() -> None:
    user, _, group = final("USER").partition(":")

    assert min(int(user), int(group)) >= 10_000
    assert json.loads(final("ENTRYPOINT")) == ["skillstream"]
    assert json.loads(final("CMD")) == ["worker"]
    assert final("STOPSIGNAL") == "SIGTERM"


def test_its_settings_are_known_and_its_store_is_the_volume() -> None:
    given = {name: value for name, value in _environment().items() if name.startswith(ENV_PREFIX)}
    (volume,) = json.loads(final("VOLUME"))

    assert load_settings(given).store_dir == volume == final("WORKDIR")


def test_pages_and_health_check_are_at_the_workers_port() -> None:
    port = str(Settings().web_port)

    assert final("EXPOSE") == port
    assert f"or {port})" in final("HEALTHCHECK")
    assert "('127.0.0.1'," in final("HEALTHCHECK")


def test_the_label_says_the_packages_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert f'org.opencontainers.image.version="{project["version"]}"' in final("LABEL")
    assert f'org.opencontainers.image.description="{project["description"]}"' in final("LABEL")


def test_what_is_copied_is_there_and_nothing_else_is_sent_to_the_builder() -> None:
    copied = {
        PurePosixPath(source).name
        for step in steps()
        if step.verb == "COPY" and not step.rest.startswith("--from")
        for source in step.rest.split()[:-1]
    }
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]

    assert all((ROOT / name).exists() for name in copied)
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied

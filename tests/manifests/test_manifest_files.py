"""The files of deploy/, read as they are; `make manifests` builds them and holds them against published schemas."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from agents.config.settings import load_settings
from tests.manifests.objects import CHART, EXAMPLES, Manifest, base_files
from tests.manifests.promises import assert_promised

VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))


def test_the_base_promises_what_every_deployment_does() -> None:
    assert_promised(base_files())


@pytest.mark.parametrize(
    "broken",
    [
        lambda pod: pod["containers"][0].pop("readinessProbe"),
        lambda pod: pod["containers"][0]["securityContext"].update(readOnlyRootFilesystem=False),
        lambda pod: pod.update(terminationGracePeriodSeconds=30),
        lambda pod: pod.update(enableServiceLinks=True),
    ],
    ids=["no readiness", "a root to write to", "ended while it drains", "variables of services"],
)
def test_a_broken_promise_is_found(broken: Callable[[Manifest], None]) -> None:
    objects = base_files()
    broken(objects.pod)

    with pytest.raises((AssertionError, KeyError)):
        assert_promised(objects)


@pytest.mark.parametrize("path", [CHART / "values.yaml", *EXAMPLES], ids=lambda path: path.stem)
def test_values_fit_their_schema_and_settings_are_known(path: Path) -> None:
    values = yaml.safe_load(path.read_text("utf-8"))

    jsonschema.validate({**VALUES, **values, "settings": {**VALUES["settings"], **values["settings"]}}, SCHEMA)
    given = {f"SKILLSTREAM_{name.upper()}": str(value) for name, value in values["settings"].items()}
    given = {name: value for name, value in given.items() if not name.endswith(("_CA", "_SECURITY"))}
    load_settings(given)


@pytest.mark.parametrize("settings", [{"web_token": "x"}, {"instance_id": "a"}, {"PARTITIONS": 3}])
def test_a_secret_or_what_the_chart_sets_is_refused_among_settings(settings: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**VALUES, "settings": {**VALUES["settings"], **settings}}, SCHEMA)


def test_chart_image_and_package_are_of_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    project = (CHART.parents[2] / "pyproject.toml").read_text("utf-8")

    assert f'version = "{chart["appVersion"]}"' in project

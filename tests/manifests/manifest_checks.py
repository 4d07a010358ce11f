"""`make manifests`: overlays built, the chart rendered, all of it held against the published schemas and its promises.

Not part of the default suite: the tools are built from their Go modules first, which takes minutes, once.
"""

import subprocess
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from tests.manifests.objects import BASE, CHART, DEPLOY, EXAMPLES, OVERLAYS, Objects, built, read, rendered
from tests.manifests.promises import assert_promised
from tests.manifests.schemas import KUBERNETES
from tests.manifests.tools import ManifestTools, manifest_tools
from tests.servers.child import ServerMissing
from tests.servers.missing import miss

MADE: Final = (BASE, *OVERLAYS, CHART, *EXAMPLES)
BOTH: Final = ("small", "production")
_OF_THE_MAKER: Final = ("image", "imagePullPolicy", "envFrom")


@pytest.fixture(scope="module")
def tools() -> ManifestTools:
    try:
        return manifest_tools()
    except ServerMissing as missing:
        miss(str(missing))


@cache
def made(tools: ManifestTools, source: Path) -> str:
    """A kustomize folder built, or the chart rendered: with its own values, or with those of an example."""
    if source.suffix == ".yaml":
        return rendered(tools.helm, [source])
    return rendered(tools.helm) if source == CHART else built(tools.kustomize, source)


def conform(tools: ManifestTools, kubernetes: str, text: str) -> subprocess.CompletedProcess[str]:
    command = tools.conform(kubernetes)
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("source", MADE, ids=lambda source: str(source.relative_to(DEPLOY)))
def test_it_fits_the_published_schemas(tools: ManifestTools, source: Path, kubernetes: str) -> None:
    said = conform(tools, kubernetes, made(tools, source))

    assert said.returncode == 0, said.stdout
    assert ", Skipped: 0" in said.stdout


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_the_schemas_refuse_a_misspelt_field_and_a_wrong_type(tools: ManifestTools, kubernetes: str) -> None:
    good = made(tools, DEPLOY / "kustomize/overlays/production")

    for right, wrong in [
        ("readOnlyRootFilesystem: true", "readOnlyRootFilesytem: true"),
        ("failureThreshold: 60", "failureThreshold: sixty"),
        ("maxReplicaCount: 12", "maxReplicasCount: 12"),
    ]:
        assert right in good
        assert conform(tools, kubernetes, good.replace(right, wrong)).returncode == 1, wrong


@pytest.mark.parametrize("source", MADE, ids=lambda source: str(source.relative_to(DEPLOY)))
def test_it_keeps_the_promises(tools: ManifestTools, source: Path) -> None:
    assert_promised(read(made(tools, source)))


@pytest.mark.parametrize(
    ("folder", "values"),
    [(BASE, CHART), *((DEPLOY / f"kustomize/overlays/{name}", DEPLOY / f"helm/examples/{name}.yaml") for name in BOTH)],
    ids=["defaults", *BOTH],
)
def test_kustomize_and_helm_make_the_same(tools: ManifestTools, folder: Path, values: Path) -> None:
    ones, others = read(made(tools, folder)), read(made(tools, values))

    assert sorted(comparable(ones)) == sorted(comparable(others))
    assert dict(comparable(ones)) == dict(comparable(others))


def comparable(objects: Objects) -> Iterator[tuple[str, Any]]:
    """Each object under kind and name, without labels, annotations and what only one of the makers adds."""
    for each in deepcopy(objects.all):
        name = each["kind"] if each["kind"] == "ConfigMap" else f"{each['kind']} {each['metadata']['name']}"
        body = {key: value for key, value in each.items() if key != "metadata"}
        if each["kind"] == "StatefulSet":
            (worker,) = body["spec"]["template"]["spec"]["containers"]
            for made_up in _OF_THE_MAKER:
                worker.pop(made_up, None)
            body["spec"]["template"].pop("metadata")
        yield name, body


def test_a_changed_setting_rolls_the_workers(tools: ManifestTools) -> None:
    def checksum(*given: str) -> str:
        template = read(rendered(tools.helm, given=given)).one("StatefulSet")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/settings"])

    assert checksum() != checksum("settings.collect_ms=20")
    assert checksum() == checksum("image.tag=0.1.1")


def test_a_large_number_is_written_as_it_was(tools: ManifestTools) -> None:
    objects = read(rendered(tools.helm, given=["settings.record_max_bytes=1048576"]))

    assert objects.settings["SKILLSTREAM_RECORD_MAX_BYTES"] == "1048576"


@pytest.mark.parametrize(
    "given",
    [
        "replicas=13",
        "settings.web_token=secret",
        "settings.redis_url=redis://redis",
        "settings.instance_id=a",
        "keda.enabledd=true",
        "keda.enabled=true,keda.maxReplicas=1",
        "disk.size=20",
    ],
)
def test_the_chart_refuses(tools: ManifestTools, given: str) -> None:
    with pytest.raises(AssertionError, match="helm template"):
        rendered(tools.helm, given=[given])


def test_helm_has_nothing_to_say(tools: ManifestTools) -> None:
    said = subprocess.run([tools.helm, "lint", "--strict", str(CHART)], capture_output=True, text=True, check=False)

    assert said.returncode == 0, said.stdout

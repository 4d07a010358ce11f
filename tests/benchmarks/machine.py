"""On what the figures were taken: the machine, and the versions of everything that ran."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.datasets import ROOT
from tests.benchmarks.peers import environment
from tests.servers.jars import kafka_jars


def machine() -> str:
    """CPU model, cores, memory, system, in one line."""
    cpu = _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo")) or platform.processor() or platform.machine()
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu}, {_cores()} cores, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}"


def versions() -> dict[str, str]:
    """Of us, of the broker, and of the contestants."""
    broker = next(kafka_jars().glob("kafka_2.13-*.jar")).stem.removeprefix("kafka_2.13-")
    return {
        "skillstream": f"{version('skillstream')} ({_commit()})",
        "Python": platform.python_version(),
        "Apache Kafka (broker)": broker,
        "Faust": version("faust-streaming"),
        "aiokafka": version("aiokafka"),
        "orjson": version("orjson"),
        **environment.versions(),
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = " and changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"commit {git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"


def _first(pattern: str, path: Path) -> str | None:
    if not path.exists():
        return None
    found = re.search(pattern, path.read_text())
    return found[1].strip() if found else None

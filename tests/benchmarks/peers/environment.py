"""What the peers need and we do not: a Python environment from `requirements.lock`, and Kafka Streams' jars.

Both are made once, in `build/bench/`, in a folder that is named by the hash of what it is made from and appears in one
rename, so a half-made one is never used.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.benchmarks.datasets import FOLDER
from tests.servers.child import ServerMissing, run

_HERE: Final = Path(__file__).resolve().parent
LOCK: Final = _HERE / "requirements.lock"
POM: Final = _HERE / "pom.xml"


def python() -> Path:
    """The interpreter of the peers' environment, which is made first where it is missing."""
    # An environment is not to be moved, so it is made in place, and a file that is written last says that it is whole.
    folder = FOLDER / f"python-{_hash(LOCK, sys.version.encode())}"
    ready = folder / ".ready"
    if not ready.exists():
        _say("Making the environment of Quix Streams and FastStream in build/bench (once, about a minute)")
        shutil.rmtree(folder, ignore_errors=True)
        FOLDER.mkdir(parents=True, exist_ok=True)
        run([sys.executable, "-m", "venv", str(folder)], "Making the peers' environment")
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*install, "--require-hashes", "--requirement", str(LOCK)], "Installing the peers")
        ready.touch()
    return folder / "bin" / "python"


def jars() -> Path:
    """The folder of Kafka Streams' jars, fetched first where it is missing; ServerMissing without Maven."""
    return _once(FOLDER / f"kafka-streams-{_hash(POM)}", _fetch_jars)


def versions() -> dict[str, str]:
    """The peers' versions, as installed."""
    code = (
        "import importlib.metadata as m; "
        "print(*(f'{n}={m.version(n)}' for n in ('quixstreams', 'confluent-kafka', 'rocksdict', 'faststream')))"
    )
    said = subprocess.run([python(), "-c", code], capture_output=True, text=True, check=True).stdout
    found = dict(pair.split("=") for pair in said.split())
    streams = next(jars().glob("kafka-streams-*.jar")).stem.removeprefix("kafka-streams-")
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr.splitlines()[0]
    return {
        "Quix Streams": f"{found['quixstreams']} (confluent-kafka {found['confluent-kafka']}, "
        f"rocksdict {found['rocksdict']})",
        "FastStream": found["faststream"],
        "Kafka Streams": f"{streams} ({java})",
    }


def _fetch_jars(scratch: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerMissing("Kafka Streams' jars come through Maven, and no `mvn` is on the PATH")
    _say("Fetching Kafka Streams' jars into build/bench (once, about 90 MB)")
    quiet = ["--batch-mode", "--quiet", "--no-transfer-progress", "--strict-checksums", "--file", str(POM)]
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={scratch}"]
    run([maven, *quiet, *goal], "Fetching Kafka Streams' jars with Maven")


def _once(folder: Path, make: Callable[[Path], None]) -> Path:
    if not folder.is_dir():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix="making-") as scratch:
            made = Path(scratch) / "made"
            make(made)
            os.rename(made, folder)
    return folder


def _hash(path: Path, more: bytes = b"") -> str:
    return hashlib.sha256(path.read_bytes() + more).hexdigest()[:12]


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")

"""Apache Kafka's jars, fetched once from Maven Central into `.kafka/` at the project's root.

The poms beside this file pin the versions. The folder is named by the pom's hash and appears in one rename, so
another version, a half-made folder or two runs at once can never mix.
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from tests.servers.child import ServerMissing, run

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".kafka"
_POM = Path(__file__).with_name("pom.xml")
_TOOLS_POM = Path(__file__).with_name("tools.xml")
_INSTALL = (
    "Install a Java 17+ runtime and Maven (Debian, Ubuntu: apt install default-jre-headless maven; "
    "macOS: brew install openjdk maven), or name a running broker in SKILLSTREAM_TEST_BROKER."
)
_MIN_JAVA = 17


def java() -> str:
    """Path of a Java 17+ runtime; ServerMissing when there is none."""
    path = shutil.which("java")
    if path is None:
        raise ServerMissing(f"Kafka needs Java, and no `java` is on the PATH. {_INSTALL}")
    shown = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', shown.stderr + shown.stdout)
    if shown.returncode != 0 or found is None or int(found[1]) < _MIN_JAVA:
        said = (shown.stderr + shown.stdout).strip().splitlines()[:1]
        raise ServerMissing(f"Kafka needs Java {_MIN_JAVA}+, and `{path}` says {said}. {_INSTALL}")
    return path


def kafka_jars() -> Path:
    """The folder of Kafka's jars, fetched first when missing; ServerMissing without Maven."""
    return _jars(_POM)


def tool_jars() -> Path:
    """The same of the console tools that come with Kafka, a project of their own."""
    return _jars(_TOOLS_POM)


def _jars(pom: Path) -> Path:
    jars = FOLDER / f"jars-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not jars.is_dir():
        _fetch(pom, jars)
    return jars


def _fetch(pom: Path, jars: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerMissing(f"Kafka's jars come through Maven, and no `mvn` is on the PATH. {_INSTALL}")
    click.echo("Fetching Kafka's jars into .kafka (once, about 45 MB)", err=True)
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="fetching-") as scratch:
        fetched = Path(scratch) / "jars"
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fetched}"]
        # Strict checksums: a jar that differs from what the repository says of it fails the fetch.
        quiet = ["--batch-mode", "--quiet", "--no-transfer-progress", "--strict-checksums"]
        run([maven, *quiet, "--file", str(pom), *goal], "Fetching Kafka's jars with Maven")
        try:
            fetched.rename(jars)
        except OSError:
            # Another run fetched the same jars meanwhile; anything else is a fault.
            if not jars.is_dir():
                raise

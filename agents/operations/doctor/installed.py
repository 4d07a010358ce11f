"""Python, the installed libraries against the ranges that skillstream was tested with, and whose packages are run.

`agents`, `schemas` and `streams` are common names: another distribution (openai-agents, for one) that brings a package
of the same name writes over ours, or stands before it on the path.

Compression: record batches of every codec can be packed and unpacked here, by both libraries that read Kafka.
Producers choose the codec, and so may a topic or the broker: a worker must know all of them, whatever it uses itself.
"""

import base64
import hashlib
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions, version
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import orjson
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from confluent_kafka import KafkaException, Producer
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from agents.kafka.connection import CODECS, Compression
from agents.operations.doctor.check import Finding, ok, problem, warning

DISTRIBUTION: Final = "skillstream"
PACKAGES: Final = ("agents", "schemas", "streams")
_APART: Final = "install skillstream into an environment of its own"


@dataclass(frozen=True, slots=True)
class Environment:
    """Implements Check."""

    name: str = "python"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Asks nobody."""
        ours = distribution(DISTRIBUTION)
        running = platform.python_version()
        if not SpecifierSet(ours.metadata["Requires-Python"] or "").contains(running, prereleases=True):
            yield problem(f"Python {running} is not {ours.metadata['Requires-Python']}", "use another Python")
        found = [*_wrong_versions(ours), *_foreign_packages(ours)]
        yield from found
        if not found:
            yield ok(f"Python {running}, {DISTRIBUTION} {ours.version}, every library within its range")


def _wrong_versions(ours: Distribution) -> Iterator[Finding]:
    for text in ours.requires or []:
        needed = Requirement(text)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = version(needed.name)
        except PackageNotFoundError:
            yield problem(f"{needed.name} is not installed", f"install {DISTRIBUTION} again")
            continue
        if not needed.specifier.contains(installed, prereleases=True):
            yield warning(
                f"{needed.name} {installed} is installed, {DISTRIBUTION} was tested with {needed.specifier}",
                f"install '{needed.name}{needed.specifier}'",
            )


def _foreign_packages(ours: Distribution) -> Iterator[Finding]:
    claimed = packages_distributions()
    for package in PACKAGES:
        others = sorted(set(claimed.get(package, ())) - {DISTRIBUTION})
        if others:
            yield warning(f"{', '.join(others)} also brings a package named {package}, which can shadow ours", _APART)
        imported = Path(import_module(package).__file__ or "")
        if not is_ours(imported, package, ours):
            yield warning(f"the package {package} is imported from {imported}, which is not skillstream's", _APART)


def is_ours(imported: Path, package: str, ours: Distribution) -> bool:
    """Whether the file is the one that `ours` was installed with, or is in the tree that it is a link to."""
    origin = orjson.loads(ours.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        root = Path(unquote(urlsplit(origin["url"]).path))
        return imported.resolve() == (root / package / "__init__.py").resolve()
    recorded = next((file for file in ours.files or () if str(file) == f"{package}/__init__.py"), None)
    if recorded is None or imported.resolve() != Path(str(recorded.locate())).resolve():
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(imported.read_bytes()).digest()).decode().rstrip("=")
    return recorded.hash is None or recorded.hash.value == digest


_VALUE: Final = b"compressible " * 20
_ROOM_BYTES: Final = 16 * 1024

Try = Callable[[Compression], str | None]
"""What is wrong with a codec, None where it works."""


def try_aiokafka(codec: Compression) -> str | None:
    """Packs and unpacks a batch as the worker does."""
    try:
        builder = BatchBuilder(_ROOM_BYTES, CODECS.index(codec))
        builder.append(timestamp=0, key=None, value=_VALUE)
        found = [bytes(record.value) for record in MemoryRecords(bytes(builder._build())).next_batch()]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None if found == [_VALUE] else "what was packed is not what is unpacked"


def try_librdkafka(codec: Compression) -> str | None:
    """Asks the library: it takes no codec that it was built without."""
    try:
        Producer({"compression.type": codec, "log_level": 0})
    except KafkaException as error:
        return str(error.args[0].str())
    return None


@dataclass(frozen=True, slots=True)
class Codecs:
    """Implements Check. `tries` by the package that holds the library, and what it is for."""

    tries: Mapping[tuple[str, str], Try] = field(
        default_factory=lambda: {
            ("cramjam", "a worker ends at the first record that is compressed so"): try_aiokafka,
            ("confluent-kafka", "verify, rebuild and the dead letters' commands cannot read it"): try_librdkafka,
        }
    )
    name: str = "compression"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Asks nobody."""
        wrong = [
            problem(f"{codec} does not work here ({said}): {harm}", f"install {package} again")
            for (package, harm), attempt in self.tries.items()
            for codec in CODECS
            if (said := attempt(codec)) is not None
        ]
        yield from wrong
        if not wrong:
            yield ok(f"{', '.join(CODECS)}: each is packed and unpacked")

"""Python, the installed libraries against the ranges that skillstream was tested with, and whose packages are run.

`agents`, `schemas` and `streams` are common names: another distribution (openai-agents, for one) that brings a package
of the same name writes over ours, or stands before it on the path.
"""

import base64
import hashlib
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions, version
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import orjson
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from agents.operations.doctor.finding import Finding, ok, problem, warning

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

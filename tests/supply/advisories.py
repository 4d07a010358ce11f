"""Known vulnerabilities of what is pinned, from a dump of OSV's records (https://osv.dev): a ZIP of JSON files.

    make audit                      fetches the dump of PyPI; says so and ends with 3 where it cannot be reached
    make audit SNAPSHOT=all.zip     takes one that is there

A version is affected if a record lists it, or if it lies in one of its ranges of versions.
"""

import argparse
import json
import sys
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import click
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tests.supply.locked import locked

DUMP: Final = "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"
NOT_AUDITED: Final = 3
_TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Advisory:
    """One that a pinned version is affected by."""

    package: str
    version: str
    id: str
    summary: str
    fixed_in: tuple[str, ...]


def advisories(records: Iterable[Mapping[str, Any]], pinned: Mapping[str, str]) -> Iterator[Advisory]:
    """Those of `records`, in OSV's form, that the pinned versions are affected by; not those withdrawn."""
    for record in records:
        if record.get("withdrawn"):
            continue
        for affected in record.get("affected", ()):
            package = affected.get("package", {})
            name = str(canonicalize_name(package.get("name", "")))
            if package.get("ecosystem") != "PyPI" or name not in pinned or not _is_affected(affected, pinned[name]):
                continue
            yield Advisory(name, pinned[name], record["id"], record.get("summary", ""), tuple(_fixes(affected)))


def read_dump(dump: BytesIO | Path) -> Iterator[dict[str, Any]]:
    """The records in a dump."""
    with zipfile.ZipFile(dump) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def _is_affected(affected: Mapping[str, Any], version: str) -> bool:
    if version in affected.get("versions", ()):
        return True
    return any(
        _in_range(events["events"], Version(version))
        for events in affected.get("ranges", ())
        if events.get("type") == "ECOSYSTEM"
    )


def _in_range(events: Iterable[Mapping[str, str]], version: Version) -> bool:
    """Events in the order of versions: `introduced` begins a range, `fixed` ends it, `last_affected` is its last."""
    inside = False
    for event in events:
        for kind, at in event.items():
            bound = _version(at)
            if kind == "introduced" and (at == "0" or (bound is not None and version >= bound)):
                inside = True
            elif bound is not None and (
                (kind == "fixed" and version >= bound) or (kind == "last_affected" and version > bound)
            ):
                inside = False
    return inside


def _fixes(affected: Mapping[str, Any]) -> Iterator[str]:
    for events in affected.get("ranges", ()):
        if events.get("type") == "ECOSYSTEM":
            yield from (event["fixed"] for event in events["events"] if "fixed" in event)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _fetched() -> BytesIO:
    with urllib.request.urlopen(DUMP, timeout=_TIMEOUT_S) as answer:  # the address is a constant
        return BytesIO(answer.read())


def main() -> int:
    """0: nothing is known · 1: something is · 3: no database could be reached, so nothing was audited."""
    parser = argparse.ArgumentParser(description="known vulnerabilities of what requirements.lock pins")
    parser.add_argument("--snapshot", type=Path, metavar="ZIP", help="a dump of OSV's records of PyPI that is there")
    snapshot = parser.parse_args().snapshot
    try:
        dump = snapshot or _fetched()
        as_of = f"{datetime.fromtimestamp(snapshot.stat().st_mtime, UTC):%Y-%m-%d}" if snapshot else "today"
        pinned = locked()
        found = sorted(advisories(read_dump(dump), pinned), key=lambda one: (one.package, one.id))
    except OSError as error:
        click.echo(f"NOT AUDITED: {snapshot or DUMP} cannot be read ({error})", err=True)
        return NOT_AUDITED
    except (zipfile.BadZipFile, ValueError) as error:
        click.echo(f"NOT AUDITED: {snapshot or DUMP} is no dump of OSV's: {error}", err=True)
        return NOT_AUDITED
    for one in found:
        fix = f"; fixed in {', '.join(one.fixed_in)}" if one.fixed_in else ""
        click.echo(f"{one.package} {one.version}: {one.id} {one.summary}{fix}")
    click.echo(f"{len(found)} known vulnerabilities in {len(pinned)} pinned packages (OSV's records as of {as_of})")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

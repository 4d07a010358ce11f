"""`make sbom`: the bill of materials of what the image holds, in CycloneDX 1.6, and the list of licences.

build/supply/skillstream.cdx.json     every package of requirements.lock, with version, licence, what needs it
build/supply/licences.md              the same for people; a licence that is not allowed ends it with 1
"""

import json
import subprocess
import sys
from typing import Any, Final

import click
from packaging.utils import canonicalize_name

from tests.supply.licences import is_allowed, licence_of
from tests.supply.locked import ROOT, locked

OUT: Final = ROOT / "build" / "supply"
_OURS: Final = "skillstream"


def bill(environment: dict[str, Any], pinned: dict[str, str]) -> dict[str, Any]:
    """Of an environment's bill what is pinned, with what depends on what among it. Raises ValueError for packages that
    are pinned and not installed, or installed in another version.
    """
    kept = [each for each in environment["components"] if str(canonicalize_name(each["name"])) in pinned]
    found = {str(canonicalize_name(each["name"])): each["version"] for each in kept}
    wrong = sorted(name for name, version in pinned.items() if found.get(name) != version)
    if wrong:
        raise ValueError(f"not installed as requirements.lock pins them: {', '.join(wrong)}")
    references = {each["bom-ref"] for each in kept}
    root = environment["metadata"].get("component", {}).get("bom-ref")
    dependencies = [
        {"ref": each["ref"], **({"dependsOn": depends} if (depends := _within(each, references)) else {})}
        for each in environment.get("dependencies", ())
        if each["ref"] in references or each["ref"] == root
    ]
    return {**environment, "components": kept, "dependencies": dependencies}


def licence_table(components: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """In Markdown; and the names of those whose licence is not allowed."""
    rows = [(each["name"], each["version"], licence_of(each)) for each in components]
    refused = [name for name, _, licence in rows if not is_allowed(licence)]
    lines = [f"| {name} | {version} | {licence or 'says none'} |" for name, version, licence in sorted(rows)]
    return "\n".join(["| package | version | licence |", "| --- | --- | --- |", *lines, ""]), refused


def _within(dependency: dict[str, Any], references: set[str]) -> list[str]:
    return [each for each in dependency.get("dependsOn", ()) if each in references]


def main() -> int:
    """Write both files. The first argument is cyclonedx-py, which has an environment of its own."""
    reading = [
        "environment",
        "--pyproject",
        str(ROOT / "pyproject.toml"),
        "--output-reproducible",
        "--spec-version",
        "1.6",
    ]
    made = subprocess.run([sys.argv[1], *reading, sys.executable], check=True, stdout=subprocess.PIPE).stdout
    document = bill(json.loads(made), locked())
    table, refused = licence_table(document["components"])
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{_OURS}.cdx.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    (OUT / "licences.md").write_text(table, "utf-8")
    click.echo(f"{len(document['components'])} packages: {OUT.relative_to(ROOT)}/{_OURS}.cdx.json, licences.md")
    if refused:
        click.echo(f"licences to be looked at (tests/supply/licences.py): {', '.join(refused)}", err=True)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())

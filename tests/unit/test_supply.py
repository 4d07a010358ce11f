"""What the image holds: licences, known vulnerabilities, the bill of materials."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.supply.advisories import NOT_AUDITED, advisories
from tests.supply.bill import bill, licence_table
from tests.supply.licences import is_allowed
from tests.supply.locked import ROOT, locked


def _record(**affected: Any) -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": "Some.Library"}
    return {"id": "PYSEC-1", "summary": "runs what it reads", "affected": [{"package": package, **affected}]}


def _range(*events: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


@pytest.mark.parametrize(
    ("affected", "version", "is_found"),
    [
        ({"versions": ["1.0", "1.1"]}, "1.1", True),
        ({"versions": ["1.0", "1.1"]}, "1.2", False),
        (_range({"introduced": "0"}, {"fixed": "2.0"}), "1.9", True),
        (_range({"introduced": "0"}, {"fixed": "2.0"}), "2.0", False),
        (_range({"introduced": "1.5"}, {"fixed": "2.0"}), "1.4.9", False),
        (_range({"introduced": "1.5"}, {"last_affected": "2.0"}), "2.0", True),
        (_range({"introduced": "1.5"}, {"last_affected": "2.0"}), "2.0.1", False),
        (_range({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}, {"fixed": "2.1"}), "2.0.5", True),
        (_range({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}, {"fixed": "2.1"}), "1.5", False),
        (_range({"introduced": "0"}), "99", True),
    ],
)
def test_an_advisory_is_found_for_the_versions_that_it_says(
    affected: dict[str, Any], version: str, is_found: bool
) -> None:
    found = list(advisories([_record(**affected)], {"some-library": version}))

    assert [(one.package, one.id) for one in found] == ([("some-library", "PYSEC-1")] if is_found else [])


def test_what_was_withdrawn_or_is_anothers_is_not() -> None:
    record = _record(versions=["1.0"])
    elsewhere = {**record, "affected": [{"package": {"ecosystem": "npm", "name": "some-library"}, "versions": ["1.0"]}]}
    pinned = {"some-library": "1.0"}

    assert not list(advisories([{**record, "withdrawn": "2026-01-01T00:00:00Z"}, elsewhere], pinned))
    assert not list(advisories([record], {"other": "1.0"}))


def test_a_planted_advisory_of_a_pinned_package_ends_the_audit_with_1(tmp_path: Path) -> None:
    name, version = next(iter(locked().items()))
    record = {**_record(versions=[version])}
    record["affected"][0]["package"]["name"] = name
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as dump:
        dump.writestr("PYSEC-1.json", json.dumps(record))

    ran = _audit(tmp_path / "all.zip")

    assert ran.returncode == 1
    assert f"{name} {version}: PYSEC-1 runs what it reads" in ran.stdout


@pytest.mark.parametrize("content", [None, b"", b"no zip"])
def test_without_a_database_it_says_that_nothing_was_audited(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "all.zip").write_bytes(content)

    ran = _audit(tmp_path / "all.zip")

    assert (ran.returncode, ran.stdout) == (NOT_AUDITED, "")
    assert ran.stderr.startswith("NOT AUDITED: ")


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("BSD-3-Clause AND 0BSD AND MIT", True),
        ("MIT AND (Apache-2.0 OR BSD-2-Clause)", True),
        ("MIT AND (Apache-2.0 OR GPL-3.0-only)", False),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("", False),
    ],
)
def test_a_licence_is_allowed_by_name(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


def test_the_bill_holds_what_is_pinned_and_nothing_of_developers() -> None:
    environment = {
        "metadata": {"component": {"bom-ref": "root"}},
        "components": [
            {"bom-ref": "a", "name": "Lib_A", "version": "1.0", "licenses": [{"license": {"id": "MIT"}}]},
            {"bom-ref": "t", "name": "pytest", "version": "9.0"},
        ],
        "dependencies": [
            {"ref": "root", "dependsOn": ["a", "t"]},
            {"ref": "a"},
            {"ref": "t", "dependsOn": ["a"]},
        ],
    }

    made = bill(environment, {"lib-a": "1.0"})

    assert [each["name"] for each in made["components"]] == ["Lib_A"]
    assert made["dependencies"] == [{"ref": "root", "dependsOn": ["a"]}, {"ref": "a"}]
    assert licence_table(made["components"])[1] == []
    with pytest.raises(ValueError, match=r"not installed as requirements\.lock pins them: lib-a"):
        bill(environment, {"lib-a": "1.1"})


def test_a_package_without_a_licence_is_named() -> None:
    table, refused = licence_table([{"name": "odd", "version": "1"}])

    assert refused == ["odd"]
    assert "| odd | 1 | says none |" in table


def test_the_lock_pins_what_the_project_depends_on() -> None:
    assert {"faust-streaming", "aiokafka", "redis", "openai", "scikit-learn", "orjson"} < locked().keys()


def _audit(snapshot: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.supply.advisories", "--snapshot", str(snapshot)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

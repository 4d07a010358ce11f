"""Packages with a source, installed for one test; and the default skills with that source in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import streams
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills
from tests.unit import a_source

DEFAULT = (Path(streams.__file__).parent / "config" / "default.toml").read_text(encoding="utf-8")
URL = "https://school.example"


@dataclass
class School:
    """A school's computer: what it installs, and the skills file that it keeps."""

    folder: Path
    patch: pytest.MonkeyPatch
    packages: list[str] = field(default_factory=list)

    def install(self, declared: str = "tests.unit.a_source:STEADINESS", name: str = "steadiness") -> None:
        """A package whose entry point names `declared`."""
        site = self.folder / f"site{len(self.packages)}"
        (info := site / f"school{len(self.packages)}-1.0.dist-info").mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: school\nVersion: 1.0\n", encoding="utf-8")
        line = f"[skillstream.sources]\n{name} = {declared}\n"
        (info / "entry_points.txt").write_text(line, encoding="utf-8")
        self.patch.syspath_prepend(site)
        self.packages.append(declared)

    def skills_file(self, weight: float = 1.0, settings: str = f'url = "{URL}"') -> Path:
        """The default skills, each with the source of that weight."""
        path = self.folder / "skills.toml"
        text = DEFAULT.replace("weights = {", f"weights = {{ steadiness = {weight},")
        path.write_text(f"{text}\n[sources.steadiness]\n{settings}\n", encoding="utf-8")
        return path

    def skills(self, weight: float = 1.0, settings: str = f'url = "{URL}"') -> SkillSet:
        """The same, loaded."""
        return load_skills(str(self.skills_file(weight, settings)))


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[School]:
    """A school with nothing installed; its service thinks well of everybody."""
    a_source.MINDS[URL] = 0.9
    yield School(tmp_path, monkeypatch)
    a_source.MINDS.clear()

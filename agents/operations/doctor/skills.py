"""The skill set, and the sources that it names."""

from collections.abc import Iterator
from dataclasses import dataclass

from agents.config.settings import Settings
from agents.operations.doctor.finding import Finding, ok
from streams.evidence.registry import types_of
from streams.skills.skill_set import load_skills
from streams.skills.sources import BUILT_IN


@dataclass(frozen=True, slots=True)
class Skills:
    """Implements Check."""

    settings: Settings
    name: str = "skills"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises SkillsError, also for a source that is not installed or cannot be loaded."""
        skill_set = load_skills(self.settings.skills)
        kinds = [each for each in types_of(skill_set) if each.name not in BUILT_IN]
        yield ok(f"{skill_set.name}, version {skill_set.config_version}: {', '.join(skill_set.names)}")
        for each in kinds:
            far = ", remote: verify goes by what it said in updates" if each.remote else ""
            yield ok(f"source {each.name}, version {each.version}{far}")
